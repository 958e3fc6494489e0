-- Every rule that was red on a day, once, by its newest result: a load within the day repeats what the one before found.
select distinct on (severity_place, border, subject, rule_id)
    array_position(array['abort', 'reject', 'warn'], severity) as severity_place,
    border,
    subject,
    reference,
    rule_id,
    severity,
    failed_rows,
    checked_rows,
    expected,
    found,
    docs_path,
    checked_at,
    count(*) over (partition by border, subject, rule_id, severity) as times
from ops.quality_results
where as_of = %(day)s and not success
order by severity_place, border, subject, rule_id, checked_at desc, result_id desc

-- The alerts that are open now, the gravest first.
select
    code,
    subject,
    severity,
    summary,
    run_book,
    as_of,
    opened_at
from ops.alert
where closed_at is null
order by severity = 'critical' desc, opened_at

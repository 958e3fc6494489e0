-- How much was checked at each border on a day, and how much of it was red.
select
    border,
    count(distinct subject) as subjects,
    count(*) as rules,
    count(*) filter (where not success and severity = 'abort') as stopping,
    count(*) filter (where not success and severity = 'reject') as rejecting,
    count(*) filter (where not success and severity = 'warn') as warning,
    max(checked_at) as checked_at
from ops.quality_results
where as_of = %(day)s
group by border
order by array_position(array['landing', 'marts', 'contact_list', 'vendor_file'], border)

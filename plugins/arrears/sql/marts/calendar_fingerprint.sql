-- Which business days the state of loans may follow from.
select
    jurisdiction,
    count(*),
    min(day),
    max(day),
    count(*) filter (where is_business_day),
    sum(case when is_business_day then hashtext(day::text)::bigint else 0 end)
from ops.calendar_day
group by jurisdiction
order by jurisdiction

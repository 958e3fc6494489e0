-- The jurisdictions that any pack or customer names, and the years between the first and the last due date landed.
select
    (
        select array_agg(jurisdiction order by jurisdiction)
        from (
            select unnest(%(packs)s::text[])
            union
            select distinct jurisdiction from landing.customers where jurisdiction is not null
        ) as named (jurisdiction)
    ),
    min(due_date),
    max(due_date)
from landing.repayment_schedule

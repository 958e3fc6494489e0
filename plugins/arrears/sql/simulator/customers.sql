-- Who the customers are, how they can be reached, and in whose hands they are on a day.
select
    customers.customer_id,
    customers.full_name,
    customers.national_id,
    customers.jurisdiction,
    customers.city,
    coalesce(customers.credit_score, 680) as credit_score,
    coalesce(points.numbers, array[]::text[]) as numbers,
    coalesce(points.addresses, array[]::text[]) as addresses,
    assignments.collector_id,
    assignments.assigned_on,
    coalesce(flags.flags, array[]::text[]) as flags
from core_banking.customers as customers
left join (
    select
        customer_id,
        array_agg(value order by updated_at desc) filter (where kind = 'mobile') as numbers,
        array_agg(value order by updated_at desc) filter (where kind = 'address') as addresses
    from core_banking.contact_points
    where relation = 'self'
    group by customer_id
) as points on customers.customer_id = points.customer_id
left join lateral (
    select
        assignment.collector_id,
        assignment.assigned_on
    from core_banking.collector_assignments as assignment
    where
        assignment.customer_id = customers.customer_id
        and (assignment.released_on is null or assignment.released_on > %(day)s)
    order by assignment.assigned_on desc, assignment.collector_id
    limit 1
) as assignments on true
left join (
    select
        customer_id,
        array_agg(flag) as flags
    from core_banking.customer_flags
    where valid_from <= %(day)s and (valid_to is null or valid_to > %(day)s)
    group by customer_id
) as flags on customers.customer_id = flags.customer_id
order by customers.customer_id

-- Whom the change would affect, by channel and by what is decided before and after.
select
    channel,
    before,
    after,
    count(distinct customer_id) as customers,
    case when %(with_customers)s then array_agg(distinct customer_id order by customer_id) else '{}' end as customer_ids
from changed
group by channel, before, after
order by channel, customers desc, before, after

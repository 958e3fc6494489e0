select
    list.currency,
    {sums}
from {table} as list
inner join ops.delivery_item as item on list.customer_id = item.customer_id and list.currency = item.currency
where
    item.batch_id = %(batch_id)s
    and list.as_of = %(as_of)s
    and list.vendor = %(vendor)s
group by list.currency

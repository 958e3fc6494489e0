-- The rows of a stop or recall file. A reference was first named at the earliest file of the day that held it.
select
    item.contact_ref,
    item.reason,
    first_named.at as effective_at,
    first_named.at as recalled_at
from ops.delivery_item as item
inner join ops.delivery_batch as batch on item.batch_id = batch.batch_id
cross join lateral (
    select min(earlier.planned_at) as at
    from ops.delivery_item as earlier_item
    inner join ops.delivery_batch as earlier on earlier_item.batch_id = earlier.batch_id
    where
        earlier_item.contact_ref = item.contact_ref
        and earlier.kind = batch.kind
        and earlier.vendor = batch.vendor
        and earlier.as_of = batch.as_of
        and earlier.sequence <= batch.sequence
) as first_named
where item.batch_id = %(batch_id)s
order by item.contact_ref collate "C"

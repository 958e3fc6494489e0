-- Whom references of contact lists stand for.
select
    item.contact_ref,
    item.customer_id,
    item.currency,
    item.contact_point_id
from ops.delivery_item as item
inner join ops.delivery_batch as batch on item.batch_id = batch.batch_id
where batch.kind = 'contact_list' and item.contact_ref = any(%(refs)s)

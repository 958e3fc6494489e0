-- Rows of the list that are over: a final result came, the vendor will not work them, or they were called back.
with over as (
    select contact_ref
    from landing.vendor_result
    where batch_id = %(batch_id)s and disposition = any(%(final_dispositions)s)
    union
    select rejected.contact_ref
    from landing.vendor_ack as ack
    cross join lateral jsonb_to_recordset(ack.rejected) as rejected (contact_ref text)
    where ack.batch_id = %(batch_id)s
    union
    select item.contact_ref
    from ops.delivery_item as item
    inner join ops.delivery_item as recalled on item.contact_ref = recalled.contact_ref
    inner join ops.delivery_batch as recall on recalled.batch_id = recall.batch_id
    where
        item.batch_id = %(batch_id)s
        and recall.kind in ('stop', 'recall')
        and recall.state in ('acknowledged', 'closed')
)

update ops.delivery_item as item
set is_final = true
from over
where item.batch_id = %(batch_id)s and item.contact_ref = over.contact_ref and not item.is_final

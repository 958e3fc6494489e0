select
    batch.batch_id,
    batch.row_count,
    count(item.contact_ref) as items
from ops.delivery_batch as batch
left join ops.delivery_item as item on batch.batch_id = item.batch_id
where batch.as_of = %(as_of)s and batch.vendor = any(%(vendors)s) and batch.kind <> 'qa_request'
group by batch.batch_id, batch.row_count
having batch.row_count <> count(item.contact_ref)
order by batch.batch_id

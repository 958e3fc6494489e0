-- Whose list a contact_ref is of, for a results file whose name does not say.
select item.batch_id
from ops.delivery_item as item
inner join ops.delivery_batch as batch on item.batch_id = batch.batch_id
where item.contact_ref = %(contact_ref)s and batch.vendor = %(vendor)s and batch.kind = 'contact_list'

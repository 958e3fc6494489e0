-- Since when each row of a list was to be left alone: from the first stop file or recall that names it and that the vendor
-- has. Nobody can heed a file before it is there.
select
    item.contact_ref,
    min(greatest(drops.planned_at, drops.sending_since)) as at
from ops.delivery_item as item
inner join ops.delivery_item as dropped on item.contact_ref = dropped.contact_ref
inner join ops.delivery_batch as drops on dropped.batch_id = drops.batch_id
where
    item.batch_id = %(batch_id)s
    and drops.kind in ('stop', 'recall')
    and drops.state in ('uploaded', 'acknowledged', 'closed')
group by item.contact_ref

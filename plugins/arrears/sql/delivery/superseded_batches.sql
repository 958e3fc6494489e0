select earlier.batch_id
from ops.delivery_batch as batch
inner join ops.delivery_batch as earlier
    on
        batch.kind = earlier.kind
        and batch.channel = earlier.channel
        and batch.vendor = earlier.vendor
        and batch.as_of = earlier.as_of
where
    batch.batch_id = %(batch_id)s
    and earlier.sequence < batch.sequence
    and earlier.state = 'superseded'
order by earlier.sequence

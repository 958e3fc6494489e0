select
    file.batch_id,
    file.name,
    batch.channel,
    batch.as_of
from ops.delivery_file as file
inner join ops.delivery_batch as batch on file.batch_id = batch.batch_id
where batch.vendor = %(vendor)s and file.erased_at is not null and file.removed_at is null
order by file.batch_id, file.position

select
    file.batch_id,
    file.name,
    file.sha256,
    file.row_count,
    file.erased_at is not null or encode(sha256(file.content), 'hex') = file.sha256 as is_whole,
    file.removed_at is not null as is_removed
from ops.delivery_file as file
inner join ops.delivery_batch as batch on file.batch_id = batch.batch_id
where batch.as_of = %(as_of)s
order by file.batch_id, file.position

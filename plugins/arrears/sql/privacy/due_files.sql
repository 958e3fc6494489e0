select count(*)
from ops.delivery_file as file
inner join ops.delivery_batch as batch on file.batch_id = batch.batch_id
where
    file.name <> batch.batch_id || '.manifest.json'
    and (batch.channel = 'legal') = %(is_legal)s
    and cast(batch.valid_until at time zone %(zone)s as date) + %(days)s <= %(as_of)s
    and (length(file.content) > 0 or file.removed_at is null)

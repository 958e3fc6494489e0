-- Bytes as sent, manifests aside (they hold sums): `legal` files are evidence and kept by another rule.
update ops.delivery_file as file
set content = '', erased_at = coalesce(file.erased_at, clock_timestamp())
from ops.delivery_batch as batch
where
    file.batch_id = batch.batch_id
    and length(file.content) > 0
    and file.name <> batch.batch_id || '.manifest.json'
    and (batch.channel = 'legal') = %(is_legal)s
    and cast(batch.valid_until at time zone %(zone)s as date) + %(days)s <= %(as_of)s

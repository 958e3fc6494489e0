select batch.vendor
from ops.delivery_file as file
inner join ops.delivery_batch as batch on file.batch_id = batch.batch_id
where file.erased_at is not null and file.removed_at is null
union
select file.vendor
from ops.vendor_file as file
where file.erased_at is not null and file.removed_at is null
order by vendor

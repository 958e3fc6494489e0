-- Files erased here that still lie at their vendor.
select
    copy.vendor,
    count(*) as files,
    min(copy.erased_at) as oldest_at
from (
    select
        batch.vendor,
        file.erased_at
    from ops.delivery_file as file
    inner join ops.delivery_batch as batch on file.batch_id = batch.batch_id
    where file.erased_at is not null and file.removed_at is null
    union all
    select
        file.vendor,
        file.erased_at
    from ops.vendor_file as file
    where file.erased_at is not null and file.removed_at is null
) as copy
group by copy.vendor
having min(copy.erased_at) < %(now)s - %(allowed)s
order by copy.vendor

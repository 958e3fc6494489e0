-- A vendor's batches that it should have acknowledged by now, less those whose history says so already. How long it had is counted
-- from when the batch was uploaded by the clock: on a day that is replayed, `acknowledge_by` is long past.
select batch.batch_id
from ops.delivery_batch as batch
inner join ops.delivery_event as upload on batch.batch_id = upload.batch_id and upload.to_state = 'uploaded'
where
    batch.vendor = %(vendor)s
    and batch.state = 'uploaded'
    and (batch.kind <> 'stop' or %(acknowledges_stop)s)
    and not exists (
        select from ops.delivery_event as told
        where told.batch_id = batch.batch_id and told.detail = %(detail)s
    )
group by batch.batch_id
having min(upload.happened_at) < %(due)s
order by batch.batch_id

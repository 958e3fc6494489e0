-- Batches that lie whole at a vendor and are not answered, by vendor. How long it had is counted by the clock from the upload,
-- also of a business date that is run again; what nobody answered for three days is for `arrears deliveries`, not for the night.
select
    batch.vendor,
    count(*) as batches,
    min(sent.uploaded_at) as oldest_at,
    (array_agg(batch.batch_id order by sent.uploaded_at, batch.batch_id))[1] as oldest
from ops.delivery_batch as batch
inner join lateral (
    select min(event.happened_at) as uploaded_at
    from ops.delivery_event as event
    where event.batch_id = batch.batch_id and event.to_state = 'uploaded'
) as sent on true
where
    batch.state = 'uploaded'
    and batch.generation = (select max(generation.generation) from ops.source_generation as generation)
    and (batch.kind <> 'stop' or batch.vendor <> all(%(take_stop_silently)s))
    and sent.uploaded_at < %(now)s - %(allowed)s
    and sent.uploaded_at > %(now)s - interval '3 days'
group by batch.vendor
order by batch.vendor

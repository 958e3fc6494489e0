-- Batches of every kind that a vendor had, by their history, against the acknowledgements that it sent.
with batches as (
    select
        batch.batch_id,
        batch.state,
        exists (
            select from landing.vendor_ack as ack
            where ack.batch_id = batch.batch_id and ack._vendor = batch.vendor
        ) as is_answered
    from ops.delivery_batch as batch
    where
        batch.as_of = %(as_of)s
        and batch.generation = (select max(generation.generation) from ops.source_generation as generation)
)

select
    (
        select count(distinct event.batch_id)
        from batches
        inner join ops.delivery_event as event on batches.batch_id = event.batch_id
        where event.to_state in ('uploaded', 'acknowledged', 'refused', 'closed')
    ) as delivered,
    (select count(*) from batches where is_answered) as acknowledged,
    (select count(*) from batches where state = 'uploaded' and not is_answered) as unanswered

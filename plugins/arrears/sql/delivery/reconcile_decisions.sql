-- Everybody of whom anything was decided, on every channel: on a list that counts, or left alone.
with ledger as (
    select
        customer_id,
        currency,
        decision
    from marts.fct_contact_decision
    where as_of = %(as_of)s
),

people as (
    select distinct
        customer_id,
        currency
    from ledger
),

listed as (
    select distinct
        batch.channel,
        item.customer_id,
        item.currency
    from ops.delivery_batch as batch
    inner join ops.delivery_item as item on batch.batch_id = item.batch_id
    where
        batch.as_of = %(as_of)s
        and batch.kind = 'contact_list'
        and batch.state <> 'superseded'
        and batch.generation = (select max(generation.generation) from ops.source_generation as generation)
)

select
    (select count(*) from people) * (select count(*) from staging.channels) as decided,
    (select count(*) from listed) as listed,
    (select count(*) from ledger where decision = 'suppress') as suppressed

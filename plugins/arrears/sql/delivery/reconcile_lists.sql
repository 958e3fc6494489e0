-- Whoever is on any list of the day, once, against the rows that each batch says it has, by how it ended. Of superseded
-- lists, and of refused and expired ones that another replaced, count those whom no later list took over.
with batches as (
    select
        batch_id,
        channel,
        row_count,
        case
            when exists (select from ops.delivery_batch as later where later.supersedes = batch.batch_id)
                then 'superseded'
            else state
        end as state
    from ops.delivery_batch as batch
    where
        as_of = %(as_of)s
        and kind = 'contact_list'
        and generation = (select max(generation.generation) from ops.source_generation as generation)
),

people as (
    select
        batches.channel,
        item.customer_id,
        item.currency,
        bool_and(batches.state = 'superseded') as is_superseded
    from batches
    inner join ops.delivery_item as item on batches.batch_id = item.batch_id
    group by batches.channel, item.customer_id, item.currency
),

ended as (
    select
        state,
        sum(row_count) as row_count
    from batches
    group by state
)

select
    (select count(*) from people) as planned,
    (select coalesce(sum(row_count), 0)::bigint from ended where state = 'closed') as closed,
    (select coalesce(sum(row_count), 0)::bigint from ended where state = 'refused') as refused,
    (select coalesce(sum(row_count), 0)::bigint from ended where state = 'expired') as expired,
    (select count(*) from people where is_superseded) as superseded,
    (
        select coalesce(sum(row_count), 0)::bigint from ended
        where state in ('planned', 'written', 'uploaded', 'acknowledged')
    ) as still_open

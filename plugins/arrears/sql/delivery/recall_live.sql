-- The lists that vendors are working now, and since when each of them may be out of date. Dropped when the transaction ends.
create temporary table recall_live on commit drop as
select
    batch.batch_id,
    batch.channel,
    channel.medium,
    batch.vendor,
    batch.as_of,
    batch.valid_until,
    batch.adopted_at is not null as is_adopted,
    build.known_at
from ops.delivery_batch as batch
left join staging.channels as channel on batch.channel = channel.channel
cross join lateral (
    select mart_build.known_at
    from ops.mart_build
    left join ops.sealed_day
        on
            mart_build.build_id = sealed_day.build_id
            and sealed_day.generation = batch.generation
            and sealed_day.as_of = batch.as_of
    where
        mart_build.generation = batch.generation
        and mart_build.as_of = batch.as_of
        and mart_build.state = 'passed'
    order by (sealed_day.build_id is not null) desc, mart_build.build_id desc
    limit 1
) as build
where
    batch.kind = 'contact_list'
    and batch.state in ('uploaded', 'acknowledged')
    and batch.valid_until > %(now)s
    and batch.generation = (select max(generation.generation) from ops.source_generation as generation);

analyze recall_live;

select
    (select min(known_at) from recall_live) as known_at,
    coalesce(
        (
            select array_agg(load_batch.batch_id)
            from ops.load_batch
            where
                load_batch.state = 'passed'
                and load_batch.decided_at > (select min(known_at) from recall_live)
                and load_batch.generation = (select max(generation.generation) from ops.source_generation as generation)
        ),
        '{}'
    ) as batch_ids;

-- The same for the first batch of a table: only keys that came more than once have anything to supersede.
insert into ops.superseded_row (table_name, row_id, batch_id)
with several as (
    select {landed_key}
    from {landing} as landed
    where landed._batch_id = %(batch_id)s
    group by {landed_key}
    having count(*) > 1
),

ranked as (
    select
        known._row_id,
        row_number() over (
            partition by {known_key}
            order by known.{changed_at} desc, known._row_id desc
        ) as version_rank
    from {landing} as known
    inner join several on {known_is_several}
    where
        known._batch_id = %(batch_id)s
        and not exists (select from {quarantine} as rejected where rejected._row_id = known._row_id)
)

select {table_name}, ranked._row_id, %(batch_id)s
from ranked
where ranked.version_rank > 1
on conflict do nothing

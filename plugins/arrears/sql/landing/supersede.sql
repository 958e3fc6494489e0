-- Note which rows of a landing table are superseded now that a batch has passed: of each key that the batch brought, all
-- but the version that changed last (ties: landed last). Rejected rows supersede nothing and need no note.
insert into ops.superseded_row (table_name, row_id, batch_id)
with brought as (
    select distinct {landed_key}
    from {landing} as landed
    where landed._batch_id = %(batch_id)s
),

versions as (
    select
        known._row_id,
        {known_key},
        known.{changed_at}
    from {landing} as known
    inner join brought on {known_is_brought}
    where
        known._batch_id = any(%(passed)s)
        and not exists (select from {quarantine} as rejected where rejected._row_id = known._row_id)
        and not exists (
            select from ops.superseded_row as superseded
            where superseded.table_name = {table_name} and superseded.row_id = known._row_id
        )
),

ranked as (
    select
        known._row_id,
        row_number() over (
            partition by {known_key}
            order by known.{changed_at} desc, known._row_id desc
        ) as version_rank
    from versions as known
)

select {table_name}, ranked._row_id, %(batch_id)s
from ranked
where ranked.version_rank > 1
on conflict do nothing

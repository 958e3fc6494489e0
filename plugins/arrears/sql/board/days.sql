-- The days that the newest source has seen, newest first: whatever was loaded, built or delivered for them.
with newest as (
    select max(generation) as generation from ops.source_generation
)

select seen.as_of
from (
    select
        generation,
        as_of
    from ops.load_batch
    union
    select
        generation,
        as_of
    from ops.mart_build
    union
    select
        generation,
        as_of
    from ops.delivery_batch
) as seen
inner join newest on seen.generation = newest.generation
order by seen.as_of desc

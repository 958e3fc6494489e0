-- The id of the forecast to be made, in the place of one from other inputs; no row where it was made from these.
with newest as (
    select max(generation) as generation from ops.source_generation
),

known as (
    select forecast.inputs_sha256
    from ops.forecast
    inner join newest on forecast.generation = newest.generation
    where forecast.origin = %(origin)s
),

replaced as (
    delete from ops.forecast
    using newest
    where
        forecast.generation = newest.generation
        and forecast.origin = %(origin)s
        and forecast.inputs_sha256 <> %(inputs)s
    returning forecast.forecast_id
)

insert into ops.forecast (generation, origin, as_of, inputs_sha256)
select
    newest.generation,
    %(origin)s,
    %(as_of)s,
    %(inputs)s
from newest
where
    not exists (select 1 from known where known.inputs_sha256 = %(inputs)s)
    and (select count(*) from replaced) >= 0
returning forecast_id

-- How experiments stood at the newest look until a day.
with looks as (
    select
        look_id,
        as_of
    from ops.experiment_look
    where
        generation = (select max(generation) from ops.source_generation)
        and as_of <= %(as_of)s
    order by as_of desc
    limit 1
)

select
    looks.as_of,
    verdict.*
from looks
inner join ops.experiment_verdict as verdict on looks.look_id = verdict.look_id
where verdict.experiment = coalesce(%(experiment)s, verdict.experiment)
order by verdict.experiment, verdict.arm <> 'champion', verdict.arm

-- Experiments that are to be ended by the newest look, with what speaks against them, the first of the arms.
with newest as (
    select look_id
    from ops.experiment_look
    where generation = (select max(generation) from ops.source_generation)
    order by as_of desc
    limit 1
)

select
    verdict.experiment,
    min(verdict.verdict_text) as verdict_text
from newest
inner join ops.experiment_verdict as verdict on newest.look_id = verdict.look_id
where verdict.verdict in ('stop', 'broken')
group by verdict.experiment
order by verdict.experiment

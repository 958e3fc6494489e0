-- A look at the experiments in the place of an earlier one of the same day.
with newest as (
    select max(generation) as generation from ops.source_generation
),

replaced as (
    delete from ops.experiment_look
    using newest
    where
        experiment_look.generation = newest.generation
        and experiment_look.as_of = %(as_of)s
    returning experiment_look.look_id
)

insert into ops.experiment_look (generation, as_of)
select
    newest.generation,
    %(as_of)s
from newest
where (select count(*) from replaced) >= 0
returning look_id

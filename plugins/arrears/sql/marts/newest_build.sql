-- The build whose day the marts show: the newest passed day of the newest generation, built last.
select build_id, as_of, known_at
from ops.mart_build
where
    state = 'passed'
    and generation = (select max(generation) from ops.source_generation)
order by as_of desc, build_id desc
limit 1

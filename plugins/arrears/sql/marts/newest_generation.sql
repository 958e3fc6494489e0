-- The newest source generation, and whether a build of it has passed: before that, nothing built may stay.
select
    generation,
    exists (
        select 1 from ops.mart_build
        where mart_build.generation = source_generation.generation and mart_build.state = 'passed'
    )
from ops.source_generation
order by generation desc
limit 1

-- The days that can be asked for.
select
    min(build.as_of) as first_day,
    max(build.as_of) as last_day,
    count(*) as days
from ops.mart_build as build
where
    build.state = 'passed'
    and build.generation = (select max(newest.generation) from ops.source_generation as newest)

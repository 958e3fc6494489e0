insert into ops.sealed_day (generation, as_of, build_id)
select
    build.generation,
    build.as_of,
    build.build_id
from ops.mart_build as build
where
    build.generation = %(generation)s
    and build.as_of = %(as_of)s
    and build.state = 'passed'
    and (%(build_id)s is null or build.build_id = %(build_id)s)
order by build.build_id desc
limit 1
on conflict do nothing

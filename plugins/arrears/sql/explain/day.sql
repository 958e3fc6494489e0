-- The newest build of the day that passed, and whether its decisions are final; no row when there is none.
select
    build.build_id,
    build.known_at,
    build.policy_version,
    sealed.as_of is not null as is_sealed,
    sealed.sealed_at
from ops.mart_build as build
left join ops.sealed_day as sealed on build.generation = sealed.generation and build.as_of = sealed.as_of
where
    build.as_of = %(as_of)s
    and build.state = 'passed'
    and build.generation = (select max(newest.generation) from ops.source_generation as newest)
order by build.build_id desc
limit 1

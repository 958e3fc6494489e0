-- The newest build of a day, and whether its decisions are final.
select
    build.build_id,
    build.state,
    build.finished_at,
    build.reason,
    build.policy_version,
    sealed.sealed_at
from ops.mart_build as build
left join ops.sealed_day as sealed on build.generation = sealed.generation and build.as_of = sealed.as_of
where
    build.as_of = %(day)s
    and build.generation = (select max(newest.generation) from ops.source_generation as newest)
order by build.build_id desc
limit 1

-- The build that published a day (the newest that passed for it), and whether the marts of loans are still as it left them.
select
    published.build_id,
    published.known_at,
    published.policy_version,
    not exists (
        select 1
        from ops.mart_build as later
        where
            later.generation = published.generation
            and later.build_id > published.build_id
            and later.as_of >= published.as_of
    ) as is_newest
from ops.mart_build as published
where
    published.as_of = %(as_of)s
    and published.state = 'passed'
    and published.generation = (select max(generation) from ops.source_generation)
order by published.build_id desc
limit 1

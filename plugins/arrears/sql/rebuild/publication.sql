-- The build that published a day (the newest that passed for it), and whether the mart of loans is still as it left it.
select
    published.build_id,
    published.known_at,
    published.policy_version,
    exists (select 1 from marts.fct_loan_delinquency where as_of = %(as_of)s)
    and not exists (
        select 1
        from ops.mart_build as later
        where
            later.generation = published.generation
            and later.build_id > published.build_id
            and later.as_of >= published.as_of
    ) as is_whole
from ops.mart_build as published
where
    published.as_of = %(as_of)s
    and published.state = 'passed'
    and published.generation = (select max(generation) from ops.source_generation)
order by published.build_id desc
limit 1

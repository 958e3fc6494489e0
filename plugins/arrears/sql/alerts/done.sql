-- Which steps of a business date are done. A recall loads too, but never `loans`; lists of lawyers wait for people.
with newest as (
    select coalesce(max(generation), 0) as generation from ops.source_generation
)

select
    exists (
        select
        from ops.load_batch as batch
        inner join ops.load_table as loaded on batch.batch_id = loaded.batch_id
        where
            batch.generation = newest.generation
            and batch.as_of = %(as_of)s
            and batch.state = 'passed'
            and loaded.table_name = 'loans'
    ) as landing_late,
    exists (
        select
        from ops.mart_build as build
        where build.generation = newest.generation and build.as_of = %(as_of)s and build.state = 'passed'
    ) as marts_late,
    coalesce((
        select bool_and(list.state not in ('planned', 'written'))
        from ops.delivery_batch as list
        where
            list.generation = newest.generation
            and list.as_of = %(as_of)s
            and list.kind = 'contact_list'
            and list.channel <> 'legal'
    ), false) as lists_late
from newest

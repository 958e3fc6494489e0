select
    generation.mode,
    (
        select max(feed.complete_to)
        from staging.stg_core_banking__feed_status as feed
        where feed.table_name = %(table_name)s
    ) as complete_to
from ops.source_generation as generation
order by generation.generation desc
limit 1

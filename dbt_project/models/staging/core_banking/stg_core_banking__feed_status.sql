with versions as (
    {{ newest_version('feed_status', key=['table_name']) }}
)

select
    table_name,
    complete_to,
    updated_at,
    _batch_id
from versions

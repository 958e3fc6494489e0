select
    table_name,
    complete_to,
    updated_at,
    _batch_id
from (
    {{ newest_version('feed_status', key=['table_name']) }}
) as versions

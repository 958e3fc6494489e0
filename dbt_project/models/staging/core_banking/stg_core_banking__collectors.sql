select
    collector_id,
    vendor,
    channel,
    display_name,
    grade,
    hired_on,
    left_on,
    updated_at,
    _batch_id
from (
    {{ newest_version('collectors', key=['collector_id']) }}
) as versions

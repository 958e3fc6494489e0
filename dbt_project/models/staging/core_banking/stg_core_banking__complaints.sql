select
    complaint_id,
    customer_id,
    collector_id,
    channel,
    received_at,
    category,
    upheld,
    responded_at,
    closed_at,
    updated_at,
    _batch_id
from (
    {{ newest_version('complaints', key=['complaint_id']) }}
) as versions

select
    collector_id,
    customer_id,
    assigned_on,
    released_on,
    updated_at,
    _batch_id
from (
    {{ newest_version('collector_assignments', key=['collector_id', 'customer_id', 'assigned_on']) }}
) as versions

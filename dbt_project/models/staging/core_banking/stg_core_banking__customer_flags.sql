select
    customer_id,
    flag,
    valid_from,
    valid_to,
    note,
    updated_at,
    _batch_id
from (
    {{ newest_version('customer_flags', key=['customer_id', 'flag', 'valid_from']) }}
) as versions

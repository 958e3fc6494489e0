select
    batch_id,
    kind,
    channel,
    vendor,
    generation,
    as_of,
    sequence,
    state,
    row_count,
    planned_at,
    valid_until,
    supersedes,
    inputs_hmac,
    sending_since
from ops.delivery_batch

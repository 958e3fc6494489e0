select
    interaction_id,
    customer_id,
    loan_id,
    direction,
    channel,
    occurred_at,
    disposition,
    promise_amount,
    promise_on,
    currency,
    updated_at,
    _batch_id
from (
    {{ newest_version('customer_interactions', key=['interaction_id']) }}
) as versions

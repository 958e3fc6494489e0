select
    transaction_id,
    loan_id,
    kind,
    amount,
    effective_on,
    recorded_at,
    reverses,
    channel,
    _batch_id
from (
    {{ newest_version('loan_transactions', key=['transaction_id'], changed_at='recorded_at', keep_unknown=false) }}
) as versions

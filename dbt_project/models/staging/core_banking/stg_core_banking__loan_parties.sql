select
    loan_id,
    customer_id,
    role,
    updated_at,
    _batch_id
from (
    {{ newest_version('loan_parties', key=['loan_id', 'customer_id']) }}
) as versions

select
    loan_id,
    customer_id,
    product,
    currency,
    principal,
    annual_rate,
    disbursed_on,
    maturity_on,
    day_count,
    status,
    closed_on,
    written_off_on,
    updated_at,
    _batch_id
from (
    {{ newest_version('loans', key=['loan_id']) }}
) as versions

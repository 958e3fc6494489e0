select
    customer_id,
    full_name,
    given_name,
    national_id,
    sex,
    date_of_birth,
    language,
    time_zone,
    jurisdiction,
    city,
    segment,
    employment_status,
    monthly_income,
    credit_score,
    credit_score_on,
    updated_at,
    _batch_id
from (
    {{ newest_version('customers', key=['customer_id']) }}
) as versions

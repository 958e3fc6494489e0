select
    arrangement_id,
    loan_id,
    kind,
    starts_on,
    ends_on,
    status,
    accepted_on,
    ended_on,
    schedule_version,
    reduced_amount,
    updated_at,
    _batch_id
from (
    {{ newest_version('hardship_arrangements', key=['arrangement_id']) }}
) as versions

select
    loan_id,
    schedule_version,
    effective_from,
    instalment_no,
    due_date,
    principal_due,
    updated_at,
    _batch_id,
    coalesce(interest_due, 0) as interest_due,
    coalesce(fee_due, 0) as fee_due
from (
    {{ newest_version('repayment_schedule', key=['loan_id', 'schedule_version', 'instalment_no']) }}
) as versions

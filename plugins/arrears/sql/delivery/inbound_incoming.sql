-- The rows of one results file on their way into landing; gone with the transaction.
create temporary table incoming on commit drop as
select
    _line_number,
    contact_ref,
    contact_point_ref,
    attempted_at,
    disposition,
    nonpayment_reason,
    collector_id,
    talk_seconds,
    promise_amount,
    promise_on,
    amount_collected,
    cost,
    currency,
    complaint,
    satisfaction,
    recording_ref,
    note,
    ''::text as _row_text
from landing.vendor_result
with no data

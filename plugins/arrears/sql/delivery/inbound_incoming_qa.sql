-- The rows of one qa file on their way into landing; gone with the transaction.
create temporary table incoming_qa on commit drop as
select
    _line_number,
    recording_ref,
    collector_id,
    reviewed_on,
    score,
    breach_code,
    reviewer
from landing.vendor_qa
with no data

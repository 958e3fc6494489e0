insert into landing.vendor_result (
    _vendor, _file_sha256, _line_number, batch_id, contact_ref, contact_point_ref, attempted_at, disposition,
    nonpayment_reason, collector_id, talk_seconds, promise_amount, promise_on, amount_collected, cost, currency,
    complaint, satisfaction, recording_ref, note
)
select
    %(vendor)s,
    %(sha256)s,
    incoming._line_number,
    %(batch_id)s,
    incoming.contact_ref,
    incoming.contact_point_ref,
    incoming.attempted_at,
    incoming.disposition,
    incoming.nonpayment_reason,
    incoming.collector_id,
    incoming.talk_seconds,
    incoming.promise_amount,
    incoming.promise_on,
    incoming.amount_collected,
    incoming.cost,
    incoming.currency,
    incoming.complaint,
    incoming.satisfaction,
    incoming.recording_ref,
    incoming.note
from incoming
inner join verdict on incoming._line_number = verdict._line_number
where verdict.verdict = 'new'

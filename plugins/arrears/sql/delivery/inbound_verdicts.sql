-- A vendor may send a part again inside a later, longer file. One attempt (reference, number dialled, instant) counts
-- once: `new` the first time, `repeated` when it comes again to the letter, `conflict` when it says something else.
create temporary table verdict on commit drop as
with reported as (
    select
        0 as _line_number,
        landed.contact_ref,
        landed.contact_point_ref,
        landed.attempted_at,
        md5(row(
            landed.disposition, landed.nonpayment_reason, landed.collector_id, landed.talk_seconds,
            landed.promise_amount, landed.promise_on, landed.amount_collected, landed.cost, landed.currency,
            landed.complaint, landed.satisfaction, landed.recording_ref, landed.note
        )::text) as fingerprint
    from landing.vendor_result as landed
    where landed.batch_id = %(batch_id)s
    union all
    select
        incoming._line_number,
        incoming.contact_ref,
        incoming.contact_point_ref,
        incoming.attempted_at,
        md5(row(
            incoming.disposition, incoming.nonpayment_reason, incoming.collector_id, incoming.talk_seconds,
            incoming.promise_amount, incoming.promise_on, incoming.amount_collected, incoming.cost, incoming.currency,
            incoming.complaint, incoming.satisfaction, incoming.recording_ref, incoming.note
        )::text) as fingerprint
    from incoming
),

ordered as (
    select
        _line_number,
        fingerprint,
        row_number() over attempt as position,
        first_value(fingerprint) over attempt as first_fingerprint
    from reported
    window attempt as (partition by contact_ref, contact_point_ref, attempted_at order by _line_number)
)

select
    _line_number,
    case
        when position = 1 then 'new'
        when fingerprint = first_fingerprint then 'repeated'
        else 'conflict'
    end as verdict
from ordered
where _line_number > 0

-- The only day that was lived so far, once more for each of the %(days)s days before it: its lists, the decisions behind
-- them, the approvals of referrals, and what the vendors reported.
create temporary table earlier on commit drop as
select
    batch.batch_id,
    batch.batch_id || '-' || number as earlier_id,
    number as days
from ops.delivery_batch as batch
cross join generate_series(1, %(days)s) as number
where batch.kind = 'contact_list' and batch.state in ('uploaded', 'acknowledged', 'closed');

insert into ops.delivery_batch (
    batch_id, kind, channel, vendor, generation, as_of, sequence, state, row_count, planned_at, valid_until, acknowledge_by
)
select
    earlier.earlier_id,
    batch.kind,
    batch.channel,
    batch.vendor,
    batch.generation,
    batch.as_of - earlier.days,
    batch.sequence,
    'closed',
    batch.row_count,
    batch.planned_at - make_interval(days => earlier.days),
    batch.valid_until - make_interval(days => earlier.days),
    batch.acknowledge_by - make_interval(days => earlier.days)
from ops.delivery_batch as batch
inner join earlier on batch.batch_id = earlier.batch_id;

insert into ops.delivery_item (
    batch_id, contact_ref, customer_id, currency, contact_point_id, contact_customer_id, is_final
)
select
    earlier.earlier_id,
    item.contact_ref || '-' || earlier.days,
    item.customer_id,
    item.currency,
    item.contact_point_id,
    item.contact_customer_id,
    true
from ops.delivery_item as item
inner join earlier on item.batch_id = earlier.batch_id;

insert into landing.vendor_result (
    _vendor, _file_sha256, _line_number, batch_id, contact_ref, contact_point_ref, attempted_at, disposition,
    nonpayment_reason, collector_id, talk_seconds, promise_amount, promise_on, amount_collected, cost, currency, complaint,
    satisfaction, recording_ref
)
select
    result._vendor,
    result._file_sha256 || '-' || earlier.days,
    result._line_number,
    earlier.earlier_id,
    result.contact_ref || '-' || earlier.days,
    result.contact_point_ref,
    result.attempted_at - make_interval(days => earlier.days),
    result.disposition,
    result.nonpayment_reason,
    result.collector_id,
    result.talk_seconds,
    result.promise_amount,
    result.promise_on - earlier.days,
    result.amount_collected,
    result.cost,
    result.currency,
    result.complaint,
    result.satisfaction,
    result.recording_ref || '-' || earlier.days
from landing.vendor_result as result
inner join earlier on result.batch_id = earlier.batch_id
order by earlier.days desc, result._row_id;

insert into ops.legal_approval (generation, as_of, customer_id, currency, approver, is_approved, is_demo, decided_at)
select
    approval.generation,
    approval.as_of - number,
    approval.customer_id,
    approval.currency,
    approval.approver,
    approval.is_approved,
    approval.is_demo,
    approval.decided_at
from ops.legal_approval as approval
cross join generate_series(1, %(days)s) as number;

insert into ops.sealed_day (generation, as_of)
select
    sealed.generation,
    sealed.as_of - number
from ops.sealed_day as sealed
cross join generate_series(1, %(days)s) as number;

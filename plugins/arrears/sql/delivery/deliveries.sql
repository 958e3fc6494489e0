select
    batch.batch_id,
    batch.kind,
    batch.channel,
    batch.vendor,
    batch.state,
    batch.row_count,
    batch.valid_until,
    batch.supersedes,
    batch.refused_reason,
    uploaded.at as uploaded_at,
    ack.received_at as acknowledged_at,
    ack.accepted as accepted_rows,
    jsonb_array_length(ack.rejected) as rejected_rows,
    batch.state = 'uploaded' and batch.acknowledge_by < %(now)s as is_overdue
from ops.delivery_batch as batch
left join lateral (
    select min(event.happened_at) as at
    from ops.delivery_event as event
    where event.batch_id = batch.batch_id and event.to_state = 'uploaded'
) as uploaded on true
left join lateral (
    select
        answer.received_at,
        answer.accepted,
        answer.rejected
    from landing.vendor_ack as answer
    where answer.batch_id = batch.batch_id and answer._vendor = batch.vendor
    order by answer._row_id desc
    limit 1
) as ack on true
where
    batch.as_of = %(as_of)s
    and batch.generation = (select max(generation.generation) from ops.source_generation as generation)
order by
    array_position(array['stop', 'contact_list', 'recall', 'qa_request'], batch.kind),
    batch.vendor,
    batch.batch_id

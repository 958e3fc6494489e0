-- Every batch of a day that was not replaced, with what its vendor said to it and how much came back.
select
    batch.batch_id,
    batch.kind,
    batch.channel,
    batch.vendor,
    batch.state,
    batch.row_count,
    batch.valid_until,
    batch.refused_reason,
    step.uploaded_at,
    step.acknowledged_at,
    step.taken,
    answer.results,
    answer.rejected_rows,
    batch.state = 'uploaded'
    and (batch.kind <> 'stop' or batch.vendor = any(%(acknowledge_stop)s))
    and step.uploaded_at + %(allowed)s < %(now)s as is_late
from ops.delivery_batch as batch
left join lateral (
    select
        min(event.happened_at) filter (where event.to_state = 'uploaded') as uploaded_at,
        min(event.happened_at) filter (where event.to_state = 'acknowledged') as acknowledged_at,
        min(event.detail) filter (where event.to_state = 'acknowledged' and event.from_state is distinct from 'acknowledged') as taken
    from ops.delivery_event as event
    where event.batch_id = batch.batch_id
) as step on true
left join lateral (
    select
        sum(file.row_count - file.rejected_rows - file.repeated_rows) as results,
        sum(file.rejected_rows) as rejected_rows
    from ops.vendor_file as file
    where file.batch_id = batch.batch_id and file.kind = 'results' and file.state = 'loaded'
) as answer on true
where
    batch.as_of = %(day)s
    and batch.state <> 'superseded'
    and batch.generation = (select max(newest.generation) from ops.source_generation as newest)
order by
    array_position(array['contact_list', 'stop', 'recall', 'qa_request'], batch.kind),
    batch.row_count desc,
    batch.batch_id

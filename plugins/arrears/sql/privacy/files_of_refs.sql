-- Files that may hold the customers: lists, evidence about them, and requests to review recordings of them, with what they
-- are called there. Stop files and recalls hold references and codes only.
select
    file.batch_id,
    file.name,
    file.content,
    file.encryption,
    array_agg(named.ref) as refs
from (
    select
        batch.batch_id,
        erasing_ref.contact_ref as ref,
        true as is_list
    from erasing_ref
    inner join ops.delivery_batch as batch on erasing_ref.batch_id = batch.batch_id and batch.kind = 'contact_list'
    union all
    -- A recording is asked for in the thirty days after the call.
    select
        batch.batch_id,
        erasing_recording.recording_ref as ref,
        false as is_list
    from erasing_recording
    inner join ops.delivery_batch as batch
        on
            batch.kind = 'qa_request'
            and erasing_recording.vendor = batch.vendor
            and batch.as_of between erasing_recording.heard_on - 1 and erasing_recording.heard_on + 31
) as named
inner join ops.delivery_file as file on named.batch_id = file.batch_id
where
    length(file.content) > 0
    and file.name not like '%.manifest.json'
    and (file.position = 0 or (named.is_list and position(named.ref in file.name) > 0))
group by file.batch_id, file.name, file.content, file.encryption

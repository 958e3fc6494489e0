-- What vendors call the customers by, gathered before the ledger forgets whose references they are.
create temporary table erasing_ref on commit drop as
select
    item.batch_id,
    item.contact_ref
from ops.delivery_item as item
inner join erasing on item.customer_id = erasing.customer_id
union
select
    item.batch_id,
    item.contact_ref
from ops.delivery_item as item
inner join erasing on item.contact_customer_id = erasing.customer_id;

analyze erasing_ref;

-- Where their voices are: the vendor's reference of a recording, and what stands in its place where a review keeps its score.
create temporary table erasing_recording on commit drop as
select
    heard.vendor,
    heard.recording_ref,
    heard.heard_on,
    'erased-' || gen_random_uuid() as stand_in
from (
    select
        result._vendor as vendor,
        result.recording_ref,
        min(cast(result.attempted_at as date)) as heard_on
    from landing.vendor_result as result
    inner join erasing_ref on result.contact_ref = erasing_ref.contact_ref and result.batch_id = erasing_ref.batch_id
    where result.recording_ref is not null
    group by result._vendor, result.recording_ref
) as heard;

analyze erasing_recording;

-- A rejected row is kept as text; it speaks of a customer where it has the reference of the row or of the recording.
create temporary table erasing_rejected on commit drop as
select
    rejected.vendor,
    rejected.file_sha256,
    rejected.line_number
from quarantine.vendor_result as rejected
where
    rejected.row_text <> ''
    and (
        exists (
            select from erasing_ref
            where position(erasing_ref.contact_ref in rejected.row_text) > 0
        )
        or exists (
            select from erasing_recording
            where
                erasing_recording.vendor = rejected.vendor
                and position(erasing_recording.recording_ref in rejected.row_text) > 0
        )
    );

analyze erasing_rejected;

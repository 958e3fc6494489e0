-- What vendors wrote about the customers in words, and where their voices are.
update landing.vendor_result as result
set note = null, recording_ref = null
from erasing_ref
where
    result.contact_ref = erasing_ref.contact_ref
    and result.batch_id = erasing_ref.batch_id
    and (result.note is not null or result.recording_ref is not null)

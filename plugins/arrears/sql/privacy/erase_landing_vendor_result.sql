-- What vendors wrote about the customers in words. Where their voices are: `erasing_recording`.
update landing.vendor_result as result
set note = null
from erasing_ref
where
    result.contact_ref = erasing_ref.contact_ref
    and result.batch_id = erasing_ref.batch_id
    and result.note is not null

-- Recordings that are past their time, with what is to stand in their place: for this transaction.
create temporary table erasing_recording on commit drop as
select
    due.vendor,
    due.recording_ref,
    'erased-' || gen_random_uuid() as stand_in
from (
    select
        _vendor as vendor,
        recording_ref
    from landing.vendor_qa
    where recording_ref not like 'erased-%%' and reviewed_on + %(days)s <= %(as_of)s
    union
    select
        _vendor as vendor,
        recording_ref
    from landing.vendor_result
    where recording_ref not like 'erased-%%' and cast(attempted_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s
) as due

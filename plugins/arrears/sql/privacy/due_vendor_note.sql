select count(*)
from landing.vendor_result
where
    (note is not null or recording_ref is not null)
    and cast(attempted_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s

update landing.vendor_result
set note = null
where
    note is not null
    and cast(attempted_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s

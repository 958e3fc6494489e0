select count(*)
from ops.vendor_file
where removed_at is null and cast(read_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s

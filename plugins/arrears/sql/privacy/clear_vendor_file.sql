update ops.vendor_file
set erased_at = clock_timestamp()
where erased_at is null and cast(read_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s

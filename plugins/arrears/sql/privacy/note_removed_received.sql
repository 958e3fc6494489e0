update ops.vendor_file
set removed_at = clock_timestamp()
where vendor = %(vendor)s and sha256 = %(sha256)s and file_name = %(file_name)s

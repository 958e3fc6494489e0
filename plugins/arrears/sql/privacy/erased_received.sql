select
    file.sha256,
    file.file_name,
    file.state
from ops.vendor_file as file
where file.vendor = %(vendor)s and file.erased_at is not null and file.removed_at is null
order by file.sha256, file.file_name

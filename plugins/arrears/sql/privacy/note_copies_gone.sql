-- An erasure is complete when no file that was erased before or with it is left on any server.
update ops.erasure
set vendor_copies_gone_at = clock_timestamp()
where
    vendor_copies_gone_at is null
    and not exists (
        select from ops.delivery_file as file
        where file.erased_at is not null and file.removed_at is null
    )
    and not exists (
        select from ops.vendor_file as file
        where file.erased_at is not null and file.removed_at is null
    )

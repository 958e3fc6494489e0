-- Files of vendors in which the customers are: their rows are in landing, the files are to go.
update ops.vendor_file as file
set erased_at = clock_timestamp()
where
    file.erased_at is null
    and exists (
        select from landing.vendor_result as result
        inner join erasing_ref
            on result.contact_ref = erasing_ref.contact_ref and result.batch_id = erasing_ref.batch_id
        where result._file_sha256 = file.sha256 and result._vendor = file.vendor
    )

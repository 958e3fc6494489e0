-- Files of vendors in which the customers are or may be: what of them is to stay is in landing, the files are to go.
update ops.vendor_file as file
set erased_at = clock_timestamp()
where
    file.erased_at is null
    and (
        exists (
            select from landing.vendor_result as result
            inner join erasing_ref
                on result.contact_ref = erasing_ref.contact_ref and result.batch_id = erasing_ref.batch_id
            where result._file_sha256 = file.sha256 and result._vendor = file.vendor
        )
        or exists (
            select from landing.vendor_qa as review
            inner join erasing_recording
                on review._vendor = erasing_recording.vendor and review.recording_ref = erasing_recording.recording_ref
            where review._file_sha256 = file.sha256 and review._vendor = file.vendor
        )
        or exists (
            select from erasing_rejected as rejected
            where rejected.file_sha256 = file.sha256 and rejected.vendor = file.vendor
        )
        -- Nothing was kept of a file that was refused, nor of a rejected row whose text is gone: the batch says whom it
        -- may have, and where it is not known, all of the vendor's do.
        or (
            (
                file.state = 'refused'
                or exists (
                    select from quarantine.vendor_result as rejected
                    where
                        rejected.file_sha256 = file.sha256
                        and rejected.vendor = file.vendor
                        and rejected.row_text = ''
                )
            )
            and exists (
                select from erasing_ref
                inner join ops.delivery_batch as batch on erasing_ref.batch_id = batch.batch_id
                where batch.vendor = file.vendor and (file.batch_id is null or file.batch_id = batch.batch_id)
            )
        )
    )

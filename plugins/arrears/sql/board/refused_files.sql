-- Files of vendors about a day's batches that were refused or had rows that were: the vendor has to mend them.
select
    file.vendor,
    file.file_name,
    file.kind,
    file.state,
    file.row_count,
    file.rejected_rows,
    file.reason,
    file.read_at
from ops.vendor_file as file
inner join ops.delivery_batch as batch on file.batch_id = batch.batch_id
where
    batch.as_of = %(day)s
    and (file.state = 'refused' or file.rejected_rows > 0)
order by file.state = 'refused' desc, file.vendor, file.file_name

-- A template.
select count(*)
from {landing} as version
inner join ops.superseded_row as superseded
    on superseded.table_name = {table_name} and version._row_id = superseded.row_id
inner join ops.load_batch as batch on superseded.batch_id = batch.batch_id
where ({is_filled}) and batch.as_of + %(days)s <= %(as_of)s

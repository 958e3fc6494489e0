-- A template: the personal values of versions that a later one superseded. No figure depends on them, and no load compares
-- them: the source offers the newest version only.
update {landing} as version
set {cleared}
from ops.superseded_row as superseded
inner join ops.load_batch as batch on superseded.batch_id = batch.batch_id
where
    superseded.table_name = {table_name}
    and superseded.row_id = version._row_id
    and ({is_filled})
    and batch.as_of + %(days)s <= %(as_of)s

-- The batches of the same generation that passed before this one and brought the table.
select batch.batch_id
from ops.load_batch as batch
inner join ops.load_batch as checked on batch.generation = checked.generation
where
    checked.batch_id = %(batch_id)s
    and batch.batch_id < checked.batch_id
    and batch.state = 'passed'
order by batch.batch_id

-- The loads of a day, newest first, with their rows. Those within the day that brought nothing are left out.
select
    batch.batch_id,
    batch.state,
    batch.started_at,
    batch.decided_at,
    batch.reason,
    sum(loaded.landed_rows) as landed_rows,
    coalesce(sum(loaded.rejected_rows), 0) as rejected_rows
from ops.load_batch as batch
inner join ops.load_table as loaded on batch.batch_id = loaded.batch_id
where
    batch.as_of = %(day)s
    and batch.generation = (select max(newest.generation) from ops.source_generation as newest)
group by batch.batch_id
having sum(loaded.landed_rows) > 0 or batch.state <> 'passed'
order by batch.batch_id desc

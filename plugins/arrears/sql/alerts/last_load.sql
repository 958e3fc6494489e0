-- When core banking was last read for a business date whose lists are out; no row while none is.
select max(batch.started_at) as last_read_at
from ops.sealed_day as sealed
inner join ops.load_batch as batch on sealed.generation = batch.generation and sealed.as_of = batch.as_of
where
    sealed.as_of = %(as_of)s
    and sealed.generation = (select max(generation.generation) from ops.source_generation as generation)
    and batch.state = 'passed'
having count(*) > 0

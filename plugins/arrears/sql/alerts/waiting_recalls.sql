select
    batch.vendor,
    sum(batch.row_count) as row_count,
    min(batch.planned_at) as planned_at
from ops.delivery_batch as batch
where
    batch.kind = 'recall'
    and batch.as_of = %(as_of)s
    and batch.generation = (select max(generation.generation) from ops.source_generation as generation)
    and batch.state in ('planned', 'written')
    and batch.planned_at < %(now)s - %(allowed)s
group by batch.vendor
order by batch.vendor

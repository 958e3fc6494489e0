-- Loans with hardship arrangements that only one of the two has used: published from what had passed its gate by then,
-- rebuilt from what was recorded by K. They change which days count, and so the tier, and nothing in the history.
select count(distinct arrangements.loan_id)
from landing.hardship_arrangements as arrangements
inner join ops.load_batch as batches on arrangements._batch_id = batches.batch_id
where
    batches.state = 'passed'
    and batches.generation = (select max(generation) from ops.source_generation)
    and arrangements.starts_on <= %(as_of)s
    and (batches.decided_at > %(published_at)s)
    = (%(known_at)s::timestamptz is null or arrangements.updated_at <= %(known_at)s::timestamptz)

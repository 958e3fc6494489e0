-- The last day that was published; null before the first.
select max(as_of)
from ops.mart_build
where
    state = 'passed'
    and generation = (select max(generation) from ops.source_generation)

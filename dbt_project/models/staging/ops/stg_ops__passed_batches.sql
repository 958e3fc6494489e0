with batches as (
    select * from {{ source('ops', 'load_batch') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
)

select
    batches.batch_id,
    batches.generation,
    batches.as_of
from batches
where
    batches.state = 'passed'
    and batches.generation = (select max(generations.generation) from generations)

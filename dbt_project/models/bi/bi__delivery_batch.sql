{{ config(materialized='view', schema='bi', alias='delivery_batch') }}

with batches as (
    select * from {{ source('ops', 'delivery_batch') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
),

acknowledgements as (
    select
        batch_id,
        min(happened_at) as acknowledged_at
    from {{ source('ops', 'delivery_event') }}
    where to_state = 'acknowledged'
    group by batch_id
)

select
    batches.batch_id,
    batches.kind,
    batches.channel,
    batches.vendor,
    batches.as_of,
    batches.sequence,
    batches.state,
    batches.row_count,
    batches.planned_at,
    batches.acknowledge_by,
    batches.valid_until,
    acknowledgements.acknowledged_at
from batches
left join acknowledgements on batches.batch_id = acknowledgements.batch_id
where batches.generation = (select max(generations.generation) from generations)

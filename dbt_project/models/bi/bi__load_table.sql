{{ config(materialized='view', schema='bi', alias='load_table') }}

with tables as (
    select * from {{ source('ops', 'load_table') }}
),

batches as (
    select * from {{ source('ops', 'load_batch') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
)

select
    batches.batch_id,
    batches.as_of,
    batches.state,
    tables.table_name,
    tables.is_full,
    tables.source_rows,
    tables.landed_rows,
    tables.newest_changed_at,
    batches.started_at,
    coalesce(tables.rejected_rows, 0) as rejected_rows
from tables
inner join batches on tables.batch_id = batches.batch_id
where batches.generation = (select max(generations.generation) from generations)

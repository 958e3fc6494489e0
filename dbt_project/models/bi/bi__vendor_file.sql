{{ config(materialized='view', schema='bi', alias='vendor_file') }}

with files as (
    select * from {{ source('ops', 'vendor_file') }}
),

batches as (
    select * from {{ source('ops', 'delivery_batch') }}
)

select
    files.vendor,
    files.file_name,
    files.kind,
    files.batch_id,
    batches.channel,
    batches.as_of,
    files.state,
    files.row_count,
    files.rejected_rows,
    files.repeated_rows,
    files.reason,
    files.read_at
from files
left join batches on files.batch_id = batches.batch_id

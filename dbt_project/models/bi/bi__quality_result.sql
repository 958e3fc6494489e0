{{ config(materialized='view', schema='bi', alias='quality_result') }}

with results as (
    select * from {{ source('ops', 'quality_results') }}
)

select
    as_of,
    border,
    subject,
    reference,
    rule_id,
    severity,
    success,
    checked_rows,
    failed_rows,
    expected,
    found,
    checked_at
from results

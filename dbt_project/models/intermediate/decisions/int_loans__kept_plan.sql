{{ config(materialized='view') }}

with plans as (
    select * from {{ ref('int_loans__plan') }}
)

select
    arrangement_id,
    loan_id,
    customer_id,
    kind,
    protects_from,
    protects_to
from plans
where is_kept

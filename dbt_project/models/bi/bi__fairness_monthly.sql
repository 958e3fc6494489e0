{{ config(materialized='view', schema='bi', alias='fairness_monthly') }}

with mart as (
    select * from {{ ref('fairness_monthly') }}
)

select
    mart.month,
    mart.population,
    mart.dimension,
    mart.group_name,
    mart.outcome,
    mart.customers,
    mart.with_outcome,
    mart.rate,
    mart.is_reference,
    mart.ratio,
    mart.ratio_low,
    mart.ratio_high,
    mart.is_warning
from mart

{{ config(materialized='view', schema='bi', alias='strategy_uplift') }}

with mart as (
    select * from {{ ref('strategy_uplift') }}
)

select
    mart.experiment,
    mart.arm,
    mart.month,
    mart.currency,
    mart.versus,
    mart.customers,
    mart.measured,
    mart.contacted,
    mart.cured,
    mart.recovered,
    mart.cost,
    mart.uplift,
    mart.uplift_low,
    mart.uplift_high,
    mart.recovered_uplift,
    mart.recovered_uplift_low,
    mart.recovered_uplift_high,
    mart.cure_rate,
    mart.recovered_per_customer
from mart

{{ config(materialized='view', schema='bi', alias='overdue_rate_forecast') }}

with mart as (
    select * from {{ ref('overdue_rate_forecast') }}
)

select
    mart.origin,
    mart.months_ahead,
    mart.month,
    mart.product,
    mart.currency,
    mart.rate,
    mart.low,
    mart.high,
    mart.actual_rate,
    mart.is_outside
from mart

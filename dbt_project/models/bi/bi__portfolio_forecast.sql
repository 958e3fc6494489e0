{{ config(materialized='view', schema='bi', alias='portfolio_forecast') }}

with mart as (
    select * from {{ ref('portfolio_forecast') }}
)

select
    mart.origin,
    mart.months_ahead,
    mart.month,
    mart.tier,
    mart.product,
    mart.currency,
    mart.loans,
    mart.loans_low,
    mart.loans_high,
    mart.outstanding_principal,
    mart.low,
    mart.high,
    mart.expected_loss,
    mart.expected_loss_low,
    mart.expected_loss_high
from mart

{{ config(materialized='view', schema='bi', alias='fct_roll_rate') }}

with mart as (
    select * from {{ ref('fct_roll_rate') }}
)

select
    mart.month,
    mart.from_tier,
    mart.to_tier,
    mart.product,
    mart.currency,
    mart.loans,
    mart.outstanding_principal,
    mart.closing_principal,
    mart.rate_by_count,
    mart.rate_by_amount
from mart

{{ config(materialized='view', schema='bi', alias='delinquency_tier_month_end') }}

with mart as (
    select * from {{ ref('delinquency_tier_month_end') }}
)

select
    mart.month_end,
    mart.tier,
    mart.product,
    mart.jurisdiction,
    mart.currency,
    mart.rank,
    mart.dpd_from,
    mart.dpd_to,
    mart.loans,
    mart.arrears_amount,
    mart.outstanding_principal
from mart

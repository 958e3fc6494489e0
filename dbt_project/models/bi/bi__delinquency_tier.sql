{{ config(materialized='view', schema='bi', alias='delinquency_tier') }}

with mart as (
    select * from {{ ref('delinquency_tier') }}
)

select
    mart.as_of,
    mart.tier,
    mart.product,
    mart.jurisdiction,
    mart.currency,
    mart.rank,
    mart.dpd_from,
    mart.dpd_to,
    mart.loans,
    mart.customers,
    mart.arrears_amount,
    mart.outstanding_principal
from mart

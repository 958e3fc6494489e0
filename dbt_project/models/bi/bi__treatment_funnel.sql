{{ config(materialized='view', schema='bi', alias='treatment_funnel') }}

with mart as (
    select * from {{ ref('treatment_funnel') }}
)

select
    mart.as_of,
    mart.channel,
    mart.vendor,
    mart.product,
    mart.jurisdiction,
    mart.tier,
    mart.currency,
    mart.position,
    mart.step,
    mart.cases,
    mart.amount
from mart

{{ config(materialized='view', schema='bi', alias='contact_decision_daily') }}

with mart as (
    select * from {{ ref('contact_decision_daily') }}
)

select
    mart.as_of,
    mart.channel,
    mart.vendor,
    mart.product,
    mart.jurisdiction,
    mart.tier,
    mart.currency,
    mart.decision,
    mart.reason_code,
    mart.decisions,
    mart.arrears_amount
from mart

{{ config(materialized='view') }}

with newest as (
    {{ newest_of('forecast', 'origin') }}
),

tiers as (
    select * from {{ source('ops', 'forecast_tier') }}
)

select
    newest.origin,
    tiers.months_ahead,
    tiers.month,
    tiers.tier,
    tiers.product,
    tiers.currency,
    tiers.loans,
    tiers.loans_low,
    tiers.loans_high,
    tiers.outstanding_principal,
    tiers.low,
    tiers.high,
    tiers.expected_loss,
    tiers.expected_loss_low,
    tiers.expected_loss_high
from newest
inner join tiers on newest.forecast_id = tiers.forecast_id

{{ config(materialized='view') }}

with forecasts as (
    select * from {{ source('ops', 'forecast') }}
),

tiers as (
    select * from {{ source('ops', 'forecast_tier') }}
),

generations as (
    select max(generation) as generation from {{ source('ops', 'source_generation') }}
),

newest as (
    select max(forecasts.origin) as origin
    from forecasts
    inner join generations on forecasts.generation = generations.generation
)

select
    forecasts.origin,
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
from forecasts
inner join generations on forecasts.generation = generations.generation
inner join newest on forecasts.origin = newest.origin
inner join tiers on forecasts.forecast_id = tiers.forecast_id

{{ config(materialized='view') }}

with forecasts as (
    select * from {{ source('ops', 'forecast') }}
),

rates as (
    select * from {{ source('ops', 'forecast_overdue') }}
),

generations as (
    select max(generation) as generation from {{ source('ops', 'source_generation') }}
),

tiers as (
    select distinct tier
    from {{ ref('int_policy__tiers') }}
    where
        dpd_from > 0
        and not is_written_off
),

flows as (
    select * from {{ ref('int_portfolio__flows') }}
    where state not in ('closed', 'written_off')
),

happened as (
    select
        flows.month,
        flows.product,
        flows.currency,
        sum(flows.outstanding_principal) as outstanding_principal,
        sum(case when tiers.tier is not null then flows.outstanding_principal else 0 end) as overdue_principal
    from flows
    left join tiers on flows.state = tiers.tier
    group by flows.month, flows.product, flows.currency
),

compared as (
    select
        forecasts.origin,
        rates.months_ahead,
        rates.month,
        rates.product,
        rates.currency,
        rates.rate,
        rates.low,
        rates.high,
        cast(
            {{ rate('happened.overdue_principal', 'happened.outstanding_principal', digits=10) }} as numeric(12, 10)
        ) as actual_rate
    from forecasts
    inner join generations on forecasts.generation = generations.generation
    inner join rates on forecasts.forecast_id = rates.forecast_id
    left join happened
        on
            rates.month = happened.month
            and rates.product = happened.product
            and rates.currency = happened.currency
)

select
    origin,
    months_ahead,
    month,
    product,
    currency,
    rate,
    low,
    high,
    actual_rate,
    actual_rate not between low and high as is_outside
from compared

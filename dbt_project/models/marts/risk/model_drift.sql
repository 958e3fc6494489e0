{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_day() }}",
    indexes=[{'columns': ['as_of']}],
) }}

with drift as (
    select * from {{ ref('int_risk__drift') }}
),

champions as (
    select * from {{ ref('int_risk__champion') }}
),

features as (
    select * from {{ ref('risk_features') }}
),

thresholds as (
    select * from {{ ref('drift_thresholds') }}
),

measured as (
    select
        drift.purpose,
        champions.model_version,
        drift.measure,
        drift.name,
        drift.loans,
        drift.psi,
        drift.expected_rate,
        drift.observed_rate,
        thresholds.watch_from,
        thresholds.act_from,
        -- Moves with the day of the month or year alone, or is a figure of few loans: nothing to be alarmed at.
        coalesce(features.is_watched, true) and drift.loans >= thresholds.least_loans as is_judged,
        case
            when drift.measure <> 'calibration' then drift.psi
            -- What chance explains is none: three standard deviations.
            when abs(drift.observed_rate - drift.expected_rate) <= 3 * drift.deviation then 0
            else abs(drift.observed_rate - drift.expected_rate) / drift.expected_rate
        end as distance
    from drift
    inner join champions
        on drift.purpose = champions.purpose
    inner join thresholds
        on thresholds.measure = case drift.measure when 'calibration' then 'calibration' else 'psi' end
    left join features
        on
            drift.measure = 'feature'
            and drift.name = features.feature
)

select
    {{ as_of_date() }} as as_of,
    purpose,
    model_version,
    measure,
    name,
    cast(loans as integer) as loans,
    cast(psi as numeric(12, 6)) as psi,
    cast(expected_rate as numeric(12, 6)) as expected_rate,
    cast(observed_rate as numeric(12, 6)) as observed_rate,
    case
        when not is_judged then 'not_judged'
        when distance >= act_from then 'act'
        when distance >= watch_from then 'watch'
        else 'stable'
    end as verdict,
    is_judged and distance >= act_from as is_alarming
from measured

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id', 'schedule_version'], 'unique': true}],
    tags=['per_loan'],
) }}

{% set in_time = 'paid_from, original_effective_on, recorded_at nulls last, transaction_id' -%}

with versions as (
    select * from {{ ref('int_schedule_versions__in_force') }}
    where {{ only_touched('loan_id') }}
),

effects as (
    {{ transaction_effects(only_touched('loan_id')) }}
),

-- What took effect before the version came into force is there on its first day.
counted as (
    select
        versions.loan_id,
        versions.schedule_version,
        effects.original_effective_on,
        effects.recorded_at,
        effects.transaction_id,
        effects.amount,
        greatest(versions.in_force_from, effects.counts_from) as paid_from,
        effects.kind = 'repayment' and not effects.is_reversal as is_repayment,
        case
            when versions.payments_from is null or effects.original_effective_on >= versions.payments_from
                then effects.amount
            else 0
        end as paid
    from effects
    inner join versions
        on
            effects.loan_id = versions.loan_id
            and effects.counts_from < versions.in_force_to
    where effects.kind in ('repayment', 'waiver', 'recovery')
),

ordered as (
    select
        loan_id,
        schedule_version,
        paid_from,
        original_effective_on,
        recorded_at,
        transaction_id,
        amount,
        is_repayment,
        sum(paid) over in_time as paid_total
    from counted
    window in_time as (
        partition by loan_id, schedule_version
        order by paid_from, original_effective_on, recorded_at nulls last, transaction_id
        rows between unbounded preceding and current row
    )
)

select
    loan_id,
    schedule_version,
    {{ ordered_array('paid_from', in_time) }} as paid_from,
    {{ ordered_array('paid_total', in_time) }} as paid_totals,
    {{ ordered_array('original_effective_on', in_time, 'is_repayment') }} as repaid_on,
    {{ ordered_array('amount', in_time, 'is_repayment') }} as repaid_amounts
from ordered
group by loan_id, schedule_version

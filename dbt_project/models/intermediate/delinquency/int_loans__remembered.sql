{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id', 'valid_from'], 'unique': true}],
    tags=['per_loan'],
) }}

with schedules as (
    {{ loan_schedules('(versions.is_ever_restructured or rules.has_limits) and ' ~ only_touched('versions.loan_id')) }}
),

intervals as (
    {{ delinquency_intervals('schedules') }}
),

-- Days above the limits are consecutive from the end of the last interval that was not.
runs as (
    select
        *,
        coalesce(
            max(case when is_material and has_materiality_limits then null else valid_to end) over in_time,
            min(valid_from) over in_time
        ) as above_limits_since
    from intervals
    window in_time as (
        partition by loan_id
        order by valid_from
        rows between unbounded preceding and current row
    )
)

select
    loan_id,
    schedule_version,
    currency,
    day_count,
    valid_from,
    valid_to,
    oldest_unpaid_due_date,
    oldest_unpaid_contractual_date,
    oldest_unpaid_counted_from,
    newest_counted_due_on,
    next_due_on,
    has_materiality_limits,
    arrears_amount,
    paid_total,
    outstanding_principal,
    unpaid_instalments,
    next_moment_on,
    case when is_material and has_materiality_limits then above_limits_since end as material_since
from runs

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=["{{ remember_published() }}", "{{ delete_touched() }}"],
    post_hook=["{{ record_corrections() }}", "{{ record_loan_state() }}", "{{ index_next_moments() }}"],
    indexes=[{'columns': ['loan_id', 'valid_from'], 'unique': true}],
    tags=['per_loan'],
) }}

with remembered as (
    select * from {{ ref('int_loans__remembered') }}
    where {{ only_touched('loan_id') }}
),

schedules as (
    {{ loan_schedules(
        'not (versions.is_ever_restructured or rules.has_limits) and ' ~ only_touched('versions.loan_id')
    ) }}
),

others as (
    {{ delinquency_intervals('schedules') }}
),

intervals as (
    select
        loan_id,
        schedule_version,
        valid_from,
        valid_to,
        oldest_unpaid_due_date,
        oldest_unpaid_contractual_date,
        oldest_unpaid_counted_from,
        newest_counted_due_on,
        next_due_on,
        next_moment_on,
        currency,
        has_materiality_limits,
        material_since,
        arrears_amount,
        paid_total,
        outstanding_principal,
        unpaid_instalments
    from remembered
    union all
    select
        loan_id,
        schedule_version,
        valid_from,
        valid_to,
        oldest_unpaid_due_date,
        oldest_unpaid_contractual_date,
        oldest_unpaid_counted_from,
        newest_counted_due_on,
        next_due_on,
        next_moment_on,
        currency,
        has_materiality_limits,
        null as material_since,
        arrears_amount,
        paid_total,
        outstanding_principal,
        unpaid_instalments
    from others
)

select
    loan_id,
    schedule_version,
    valid_from,
    oldest_unpaid_due_date,
    oldest_unpaid_contractual_date,
    oldest_unpaid_counted_from,
    newest_counted_due_on,
    next_due_on,
    next_moment_on,
    currency,
    has_materiality_limits,
    cast(arrears_amount as numeric(18, 2)) as arrears_amount,
    cast(paid_total as numeric(18, 2)) as paid_total,
    cast(outstanding_principal as numeric(18, 2)) as outstanding_principal,
    cast(unpaid_instalments as integer) as unpaid_instalments,
    valid_to,
    material_since
from intervals

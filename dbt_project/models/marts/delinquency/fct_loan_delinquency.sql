-- depends_on: {{ ref('int_builds__horizon') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where {{ no_newer_day() }}{% endif %}",
) }}

with loans as (
    select * from {{ ref('int_loans__delinquency') }}
)

select
    as_of,
    loan_id,
    customer_id,
    product,
    currency,
    jurisdiction,
    tier,
    tier_rank,
    asset_class,
    days_past_due,
    days_past_due_counted,
    days_past_due_regulatory,
    oldest_unpaid_due_date,
    oldest_unpaid_contractual_date,
    next_due_date,
    arrears_amount,
    outstanding_principal,
    unpaid_instalments,
    paid_total,
    last_payment_on,
    last_payment_amount,
    is_written_off,
    schedule_version,
    is_forborne,
    restructured_on,
    restructurings,
    days_past_due_before_restructuring,
    probation_until,
    is_data_hold
from loans
{% if is_incremental() %}
where {{ no_newer_day() }}
{% endif %}

{{ config(indexes=[{'columns': ['loan_id'], 'unique': true}, {'columns': ['customer_id']}]) }}

with loans as (
    {{ loan_delinquency(as_of_date()) }}
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

{{ config(materialized='view', schema='bi', alias='fct_loan_delinquency') }}

with mart as (
    select * from {{ ref('fct_loan_delinquency') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.as_of,
    mart.product,
    mart.currency,
    mart.tier,
    mart.asset_class,
    mart.days_past_due,
    mart.days_past_due_counted,
    mart.days_past_due_regulatory,
    mart.oldest_unpaid_due_date,
    mart.next_due_date,
    mart.arrears_amount,
    mart.outstanding_principal,
    mart.unpaid_instalments,
    mart.paid_total,
    mart.last_payment_on,
    mart.last_payment_amount,
    mart.is_forborne,
    mart.probation_until,
    mart.is_data_hold,
    {{ pseudonym('mart.loan_id') }} as loan_key,
    {{ pseudonym('mart.customer_id') }} as customer_key
from mart
cross join salt

{{ config(materialized='view', schema='bi', alias='fct_delinquency_history') }}

with mart as (
    select * from {{ ref('fct_delinquency_history') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.valid_from,
    mart.valid_to,
    mart.oldest_unpaid_due_date,
    mart.arrears_amount,
    mart.paid_total,
    mart.outstanding_principal,
    mart.unpaid_instalments,
    mart.currency,
    {{ pseudonym('mart.loan_id') }} as loan_key
from mart
cross join salt

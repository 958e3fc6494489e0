{{ config(materialized='view') }}

with effects as (
    select * from {{ ref('int_loan_transactions__effects') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
)

select
    effects.transaction_id,
    effects.original_transaction_id as payment_id,
    effects.loan_id,
    loans.customer_id,
    loans.currency,
    loans.product,
    effects.kind,
    effects.original_effective_on as paid_on,
    effects.counts_from,
    effects.amount
from effects
inner join loans on effects.loan_id = loans.loan_id
where effects.kind in ('repayment', 'recovery')

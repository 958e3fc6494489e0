{{ config(materialized='view') }}

with transactions as (
    select * from {{ ref('stg_core_banking__loan_transactions') }}
),

reversals as (
    select * from {{ ref('int_loan_transactions__reversals') }}
)

select
    transaction_id,
    transaction_id as original_transaction_id,
    loan_id,
    kind,
    effective_on as original_effective_on,
    effective_on as counts_from,
    recorded_at,
    amount,
    false as is_reversal
from transactions
where kind <> 'reversal'
union all
select
    transaction_id,
    original_transaction_id,
    loan_id,
    kind,
    original_effective_on,
    counts_from,
    null as recorded_at,
    amount,
    true as is_reversal
from reversals

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id']}],
    tags=['per_loan'],
) }}

with transactions as (
    select * from {{ ref('stg_core_banking__loan_transactions') }}
    where {{ only_touched('loan_id') }}
),

effects as (
    select * from {{ ref('int_loan_transactions__effects') }}
    where {{ only_touched('loan_id') }}
),

reversals as (
    select * from {{ ref('int_loan_transactions__reversals') }}
    where {{ only_touched('loan_id') }}
),

replayed_loans as (
    select distinct loan_id
    from reversals
    where kind = 'repayment'
),

-- Most repayments are never reversed: what stands of them is plain from int_schedule_versions__paid.
replayed as (
    select transactions.*
    from transactions
    inner join replayed_loans
        on transactions.loan_id = replayed_loans.loan_id
    where transactions.kind = 'repayment'
    union all
    select *
    from transactions
    where kind = 'write_off'
),

by_day as (
    select
        effects.original_transaction_id,
        effects.counts_from,
        sum(sum(effects.amount)) over (
            partition by effects.original_transaction_id order by effects.counts_from
        ) as amount,
        lead(effects.counts_from) over (
            partition by effects.original_transaction_id order by effects.counts_from
        ) as counts_to
    from effects
    inner join replayed
        on
            effects.original_transaction_id = replayed.transaction_id
            and effects.loan_id = replayed.loan_id
    group by effects.original_transaction_id, effects.counts_from
)

select
    replayed.transaction_id,
    replayed.loan_id,
    replayed.kind,
    replayed.effective_on,
    replayed.recorded_at,
    by_day.counts_from as stands_from,
    by_day.counts_to as stands_to,
    by_day.amount
from by_day
inner join replayed
    on by_day.original_transaction_id = replayed.transaction_id
where by_day.amount > 0

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id']}],
    tags=['per_loan'],
) }}

with reversals as (
    select * from {{ ref('int_loan_transactions__reversals') }}
    where {{ only_touched('loan_id') }}
),

write_offs as (
    select * from {{ ref('stg_core_banking__loan_transactions') }}
    where
        kind = 'write_off'
        and {{ only_touched('loan_id') }}
),

repayments as (
    select * from {{ ref('stg_core_banking__loan_transactions') }}
    where
        kind = 'repayment'
        and {{ only_touched('loan_id') }}
),

replayed_loans as (
    select distinct loan_id
    from reversals
    where kind = 'repayment'
),

-- Most repayments are never reversed: what stands of them is plain from int_schedule_versions__paid.
replayed as (
    select
        repayments.transaction_id,
        repayments.loan_id,
        repayments.kind,
        repayments.effective_on,
        repayments.recorded_at,
        repayments.amount
    from repayments
    inner join replayed_loans
        on repayments.loan_id = replayed_loans.loan_id
    union all
    select
        transaction_id,
        loan_id,
        kind,
        effective_on,
        recorded_at,
        amount
    from write_offs
),

effects as (
    select
        transaction_id as original_transaction_id,
        effective_on as counts_from,
        amount
    from replayed
    union all
    select
        original_transaction_id,
        counts_from,
        amount
    from reversals
),

by_day as (
    select
        original_transaction_id,
        counts_from,
        sum(sum(amount)) over (partition by original_transaction_id order by counts_from) as amount,
        lead(counts_from) over (partition by original_transaction_id order by counts_from) as counts_to
    from effects
    group by original_transaction_id, counts_from
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

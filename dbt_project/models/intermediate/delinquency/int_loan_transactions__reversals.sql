{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id']}],
    tags=['per_loan'],
) }}

with recursive

reversals as (
    select * from {{ ref('stg_core_banking__loan_transactions') }}
    where
        kind = 'reversal'
        and {{ only_touched('loan_id') }}
),

reversed_ids as (
    select distinct reverses
    from reversals
),

reversed as (
    select originals.*
    from {{ ref('stg_core_banking__loan_transactions') }} as originals
    inner join reversed_ids
        on originals.transaction_id = reversed_ids.reverses
),

-- Reversals take out no more than what they reverse, in the order in which they take effect.
capped_reversals as (
    select
        reversals.transaction_id,
        reversals.loan_id,
        reversals.reverses,
        reversals.effective_on,
        greatest(
            0,
            least(
                reversals.amount,
                reversed.amount - coalesce(
                    sum(reversals.amount) over (
                        partition by reversals.reverses
                        order by reversals.effective_on, reversals.recorded_at, reversals.transaction_id
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                )
            )
        ) as amount
    from reversals
    inner join reversed
        on
            reversals.reverses = reversed.transaction_id
            and reversals.loan_id = reversed.loan_id
),

-- A reversal may itself be reversed: each step down the chain turns the sign and starts no earlier than the one above.
chains as (
    select
        capped_reversals.transaction_id,
        originals.transaction_id as original_transaction_id,
        originals.loan_id,
        originals.kind,
        originals.effective_on as original_effective_on,
        greatest(originals.effective_on, capped_reversals.effective_on) as counts_from,
        -capped_reversals.amount as amount
    from capped_reversals
    inner join reversed as originals
        on capped_reversals.reverses = originals.transaction_id
    where originals.kind <> 'reversal'
    union all
    select
        capped_reversals.transaction_id,
        chains.original_transaction_id,
        chains.loan_id,
        chains.kind,
        chains.original_effective_on,
        greatest(chains.counts_from, capped_reversals.effective_on) as counts_from,
        case when chains.amount < 0 then capped_reversals.amount else -capped_reversals.amount end as amount
    from chains
    inner join capped_reversals
        on chains.transaction_id = capped_reversals.reverses
    where chains.amount <> 0
)

select
    transaction_id,
    original_transaction_id,
    loan_id,
    kind,
    original_effective_on,
    counts_from,
    amount
from chains
where amount <> 0

with transactions as (
    select * from {{ ref('stg_core_banking__loan_transactions') }}
),

effects as (
    select * from {{ ref('int_loan_transactions__effects') }}
),

reversed as (
    select distinct original_transaction_id
    from effects
    where is_reversal
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
    inner join reversed
        on effects.original_transaction_id = reversed.original_transaction_id
    group by effects.original_transaction_id, effects.counts_from
),

standing as (
    select
        original_transaction_id,
        counts_from,
        counts_to,
        amount
    from by_day
    where amount > 0
    union all
    select
        effects.original_transaction_id,
        effects.counts_from,
        null as counts_to,
        effects.amount
    from effects
    left join reversed
        on effects.original_transaction_id = reversed.original_transaction_id
    where reversed.original_transaction_id is null
)

select
    standing.original_transaction_id as transaction_id,
    transactions.loan_id,
    transactions.kind,
    transactions.effective_on,
    transactions.recorded_at,
    standing.counts_from as stands_from,
    standing.counts_to as stands_to,
    standing.amount
from standing
inner join transactions
    on standing.original_transaction_id = transactions.transaction_id
where transactions.kind in ('repayment', 'write_off')

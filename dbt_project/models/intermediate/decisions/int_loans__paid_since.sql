with transactions as {{ inline() }} (
    select * from {{ source('landing', 'loan_transactions') }}
),

rejected as (
    select * from {{ source('quarantine', 'loan_transactions') }}
),

batches as (
    select * from {{ source('ops', 'load_batch') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
),

known as (
    select * from {{ ref('stg_core_banking__loan_transactions') }}
),

built_from as (
    select * from {{ ref('stg_ops__passed_batches') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

parameters as (
    select * from {{ ref('int_policy__delinquency_parameters') }}
),

-- What passed the landing gate after this build took its inputs. A rebuild with a knowledge time knows nothing of it.
late_batches as (
    select batches.batch_id
    from batches
    left join built_from on batches.batch_id = built_from.batch_id
    where
        {{ 'false' if knowledge_time() else 'true' }}
        and batches.state = 'passed'
        and batches.generation = (select max(generations.generation) from generations)
        and built_from.batch_id is null
),

late_versions as (
    select
        transactions.transaction_id,
        transactions._row_id,
        transactions.loan_id,
        transactions.kind,
        transactions.reverses,
        transactions.amount
    from transactions
    inner join late_batches on transactions._batch_id = late_batches.batch_id
    left join rejected on transactions._row_id = rejected._row_id
    left join known on transactions.transaction_id = known.transaction_id
    where
        -- Told apart from the join: the database then reads the end of the table, and nothing where no batch is late.
        transactions._batch_id >= (select min(first_late.batch_id) from late_batches as first_late)
        and rejected._row_id is null
        and known.transaction_id is null
        and transactions.kind in ('repayment', 'waiver', 'recovery', 'reversal')
        and transactions.effective_on <= {{ as_of_date() }}
),

late as (
    {{ first_of_each('late_versions', 'transaction_id', '_row_id desc') }}
),

late_by_loan as (
    select
        late.loan_id,
        sum(
            case
                -- A reversal that is itself taken back gives the money back.
                when late.kind = 'reversal' and not coalesce(reversed.is_reversal, false) then -late.amount
                else late.amount
            end
        ) as amount
    from late
    -- Looked up one by one: few are late, and to join them the database would read all transactions.
    left join lateral (
        select true as is_reversal
        from transactions
        where transactions.transaction_id = late.reverses and transactions.kind = 'reversal'
        order by transactions._row_id
        limit 1
    ) as reversed on true
    group by late.loan_id
)

select
    loans.loan_id,
    loans.customer_id,
    loans.currency,
    late_by_loan.amount,
    loans.arrears_amount - late_by_loan.amount <= parameters.tolerance as is_cured
from late_by_loan
inner join loans on late_by_loan.loan_id = loans.loan_id
inner join terms on loans.loan_id = terms.loan_id
inner join parameters
    on
        terms.jurisdiction = parameters.jurisdiction
        and terms.product = parameters.product
        and terms.currency = parameters.currency
        and parameters.valid_from <= {{ as_of_date() }}
        and parameters.valid_to > {{ as_of_date() }}

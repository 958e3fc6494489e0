-- depends_on: {{ ref('int_builds__horizon') }}, {{ ref('stg_ops__passed_batches') }}
{{ config(indexes=[{'columns': ['loan_id'], 'unique': true}]) }}

{%- set intermediate = generate_schema_name('intermediate', none) -%}
{%- set marts = generate_schema_name('marts', none) -%}

{% if not has_loan_state() -%}
select
    loan_id,
    true as may_change_past
from {{ ref('stg_core_banking__loans') }}
{%- else -%}
with horizon as (
    select * from {{ ref('int_builds__horizon') }}
),

batches as (
    select * from {{ ref('stg_ops__passed_batches') }}
),

-- What the slowest of the models that keep their rows has seen, and the last day that any of them speaks of.
seen as (
    select
        coalesce(min(batch_id), 0) as batch_id,
        coalesce(min(coalesce(known_until, cast('1900-01-01' as date))), cast('1900-01-01' as date)) as known_until,
        max(known_until) as reached
    from {{ source('ops', 'loan_state') }}
    where model in ({{ per_loan_models() }})
),

history_seen as (
    select known_until
    from {{ source('ops', 'loan_state') }}
    where model = '{{ marts }}.fct_delinquency_history'
),

loans as (
    select * from {{ source('landing', 'loans') }}
    where _batch_id > (select seen.batch_id from seen)
),

schedule as (
    select * from {{ source('landing', 'repayment_schedule') }}
    where _batch_id > (select seen.batch_id from seen)
),

transactions as (
    select * from {{ source('landing', 'loan_transactions') }}
    where _batch_id > (select seen.batch_id from seen)
),

arrangements as (
    select * from {{ source('landing', 'hardship_arrangements') }}
    where _batch_id > (select seen.batch_id from seen)
),

customers as (
    select * from {{ source('landing', 'customers') }}
    where _batch_id > (select seen.batch_id from seen)
),

-- Money that takes effect after the days that were published changes none of them; anything else might.
landed as (
    select
        loan_id,
        true as may_change_past
    from loans
    union all
    select
        loan_id,
        true as may_change_past
    from schedule
    union all
    select
        transactions.loan_id,
        transactions.effective_on <= horizon.published_until as may_change_past
    from transactions
    cross join horizon
    union all
    select
        loan_id,
        false as may_change_past
    from arrangements
    union all
    -- A transaction that was put right may have belonged to another loan.
    select
        earlier.loan_id,
        earlier.effective_on <= horizon.published_until as may_change_past
    from transactions
    cross join horizon
    cross join lateral {{ landed_rows('loan_transactions', 'transaction_id', 'transactions') }} as earlier -- noqa: ST05
    union all
    -- Of what is said of a borrower only the jurisdiction and an early score move a loan. Landed versions are compared,
    -- not the terms: those may have changed in a build that was killed before it came to the rest.
    select
        terms.loan_id,
        true as may_change_past
    from customers
    cross join lateral {{ landed_rows('customers', 'customer_id', 'customers') }} as earlier -- noqa: ST05
    inner join {{ intermediate }}.int_loans__terms as terms
        on customers.customer_id = terms.customer_id
    where
        customers._row_id > earlier._row_id
        and (
            customers.jurisdiction <> earlier.jurisdiction
            or (
                customers.credit_score is distinct from earlier.credit_score
                and customers.credit_score_on <= terms.disbursed_on
            )
        )
),

-- A date of theirs has passed since their open interval was written: an instalment fell due, a rule began. The tables
-- are named where they are read, and not once before: each part finds its rows by an index.
passed as (
    select history.loan_id
    from {{ marts }}.fct_delinquency_history as history
    where history.next_moment_on <= (select horizon.known_until from horizon)
    union all
    -- A loan that landed before its first day has no interval yet.
    select terms.loan_id
    from {{ intermediate }}.int_loans__terms as terms
    where
        terms.disbursed_on > (select seen.known_until from seen)
        and terms.disbursed_on <= (select horizon.known_until from horizon)
    union all
    -- A build was killed after the history was written, and what follows from it was not.
    select history.loan_id
    from {{ marts }}.fct_delinquency_history as history
    where
        (select seen.known_until from seen) < (select history_seen.known_until from history_seen)
        and (
            history.valid_from > (select seen.known_until from seen)
            or history.valid_to > (select seen.known_until from seen)
        )
),

-- A build of a later day failed after it had written state: what it knew of the days beyond the horizon goes.
undone as (
    select terms.loan_id
    from {{ intermediate }}.int_loans__terms as terms
    where (select seen.reached from seen) > (select horizon.known_until from horizon)
),

touched as (
    select
        loan_id,
        may_change_past
    from landed
    union all
    select
        loan_id,
        false as may_change_past
    from passed
    union all
    select
        loan_id,
        false as may_change_past
    from undone
)

select
    loan_id,
    max(case when may_change_past then 1 else 0 end) = 1 as may_change_past
from touched
where
    loan_id is not null
    and exists (select 1 from batches)
group by loan_id
{%- endif %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id'], 'unique': true}],
    tags=['per_loan'],
) }}

with history as (
    select * from {{ ref('fct_delinquency_history') }}
    where
        oldest_unpaid_due_date is not null
        and {{ only_touched('loan_id') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
    where {{ only_touched('loan_id') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
    where {{ only_touched('loan_id') }}
),

customers as (
    select * from {{ source('landing', 'customers') }}
),

batches as (
    select * from {{ ref('stg_ops__passed_batches') }}
),

rejected as (
    select * from {{ source('quarantine', 'customers') }}
),

bands as (
    select * from {{ ref('score_bands') }}
),

-- The newest score that the bank had when it lent. Core banking overwrites it, landing keeps every version.
scored as (
    select
        terms.loan_id,
        customers.credit_score,
        row_number() over (
            partition by terms.loan_id
            order by customers.credit_score_on desc, customers.updated_at desc, customers._row_id desc
        ) as recency
    from terms
    inner join customers
        on
            terms.customer_id = customers.customer_id
            and terms.disbursed_on >= customers.credit_score_on
    inner join batches
        on customers._batch_id = batches.batch_id
    left join rejected
        on customers._row_id = rejected._row_id
    where
        customers.credit_score is not null
        and rejected._row_id is null
        and {{ is_known('customers.updated_at') }}
),

overdue as (
    select
        history.loan_id,
        history.valid_from,
        coalesce(history.valid_to, {{ far_future() }}) as valid_to,
        greatest(history.valid_from, {{ first_day_past_due(
            'history.oldest_unpaid_due_date', 'history.oldest_unpaid_counted_from', 30, 'terms.day_count'
        ) }}) as reaches_30_on,
        greatest(history.valid_from, {{ first_day_past_due(
            'history.oldest_unpaid_due_date', 'history.oldest_unpaid_counted_from', 60, 'terms.day_count'
        ) }}) as reaches_60_on,
        greatest(history.valid_from, {{ first_day_past_due(
            'history.oldest_unpaid_due_date', 'history.oldest_unpaid_counted_from', 90, 'terms.day_count'
        ) }}) as reaches_90_on
    from history
    inner join terms
        on history.loan_id = terms.loan_id
),

-- In an interval that is open the day may lie in the future: it is reached unless something happens before.
reached as (
    select
        loan_id,
        min(case when reaches_30_on < valid_to then reaches_30_on end) as reached_30_on,
        min(case when reaches_60_on < valid_to then reaches_60_on end) as reached_60_on,
        min(case when reaches_90_on < valid_to then reaches_90_on end) as reached_90_on
    from overdue
    group by loan_id
)

select
    terms.loan_id,
    {{ month_of('terms.disbursed_on') }} as disbursement_month,
    terms.product,
    terms.currency,
    coalesce(bands.score_band, 'unknown') as score_band,
    cast(coalesce(loans.principal, 0) as numeric(18, 2)) as principal,
    reached.reached_30_on,
    reached.reached_60_on,
    reached.reached_90_on
from terms
inner join loans
    on terms.loan_id = loans.loan_id
left join scored
    on
        terms.loan_id = scored.loan_id
        and scored.recency = 1
left join bands
    on
        scored.credit_score >= bands.score_from
        and (bands.score_to is null or scored.credit_score <= bands.score_to)
left join reached
    on terms.loan_id = reached.loan_id

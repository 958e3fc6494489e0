{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    tags=['per_loan'],
    indexes=[{'columns': ['loan_id']}],
) }}

with write_offs as (
    select * from {{ ref('int_loans__write_offs') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

history as (
    select * from {{ ref('fct_delinquency_history') }}
),

within_life as (
    select
        terms.loan_id,
        greatest(write_offs.written_off_from, terms.disbursed_on) as written_off_from,
        -- What stands when the loan is closed stands for good.
        case
            when write_offs.written_off_to >= terms.closed_on then {{ far_future() }} else write_offs.written_off_to
        end as written_off_to
    from write_offs
    inner join terms
        on write_offs.loan_id = terms.loan_id
    where
        (terms.closed_on is null or write_offs.written_off_from < terms.closed_on)
        and write_offs.written_off_to > terms.disbursed_on
        and {{ only_touched('terms.loan_id') }}
),

-- Overlapping and adjoining ones are one: the bank states the date, and a transaction says it again.
compared as (
    select
        *,
        max(written_off_to) over (
            partition by loan_id
            order by written_off_from, written_off_to
            rows between unbounded preceding and 1 preceding
        ) as reached_so_far
    from within_life
),

numbered as (
    select
        *,
        sum(case when written_off_from <= reached_so_far then 0 else 1 end) over (
            partition by loan_id
            order by written_off_from, written_off_to
            rows between unbounded preceding and current row
        ) as charge_off_no
    from compared
),

charge_offs as (
    select
        loan_id,
        min(written_off_from) as charged_off_on,
        nullif(max(written_off_to), {{ far_future() }}) as reinstated_on
    from numbered
    group by loan_id, charge_off_no
)

select
    charge_offs.loan_id,
    charge_offs.charged_off_on,
    charge_offs.reinstated_on,
    history.outstanding_principal as charged_off_principal
from charge_offs
inner join history
    on
        charge_offs.loan_id = history.loan_id
        and charge_offs.charged_off_on >= history.valid_from
        and (history.valid_to is null or charge_offs.charged_off_on < history.valid_to)

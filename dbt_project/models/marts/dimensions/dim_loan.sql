{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed_loans() }}",
) }}

with loans as (
    select known.*
    from {{ ref('stg_core_banking__loans') }} as known
    {% if is_incremental() -%}
    where
        not exists (
            select 1
            from {{ this }} as kept
            where kept.loan_id = known.loan_id
        )
    {%- endif %}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

schedule as (
    select * from {{ ref('stg_core_banking__repayment_schedule') }}
),

batches as (
    select * from {{ ref('stg_ops__passed_batches') }}
),

originals as (
    select
        schedule.loan_id,
        cast(count(*) as integer) as instalments,
        min(schedule.due_date) as first_due_date,
        max(schedule.due_date) as last_due_date
    from loans
    inner join schedule
        on loans.loan_id = schedule.loan_id
    where schedule.schedule_version = 1
    group by schedule.loan_id
)

select
    loans.loan_id,
    loans.customer_id,
    loans.product,
    loans.currency,
    terms.jurisdiction,
    loans.principal,
    loans.annual_rate,
    loans.disbursed_on,
    loans.maturity_on,
    loans.day_count,
    loans.status,
    loans.closed_on,
    loans.written_off_on,
    originals.instalments,
    originals.first_due_date,
    originals.last_due_date,
    (select max(batches.batch_id) from batches) as known_to_batch
from loans
left join terms
    on loans.loan_id = terms.loan_id
left join originals
    on loans.loan_id = originals.loan_id

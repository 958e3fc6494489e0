{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id'], 'unique': true}, {'columns': ['customer_id']}],
    tags=['per_loan'],
) }}

with loans as (
    select * from {{ ref('stg_core_banking__loans') }}
    where {{ only_touched('loan_id') }}
),

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
)

select
    loans.loan_id,
    loans.customer_id,
    loans.product,
    loans.currency,
    loans.day_count,
    loans.disbursed_on,
    loans.closed_on,
    loans.written_off_on,
    customers.jurisdiction
from loans
inner join customers
    on loans.customer_id = customers.customer_id
where loans.closed_on is null or loans.closed_on > loans.disbursed_on

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_members() }}",
    indexes=[{'columns': ['experiment', 'customer_id'], 'unique': true}],
) }}

with ledger as (
    select
        experiment,
        customer_id,
        arm,
        currency,
        as_of,
        days_past_due,
        arrears_amount
    from {{ ref('int_customers__contact_decision') }}
    where
        experiment is not null
        and as_of >= {{ members_from() }}
),

first_days as (
    {{ first_of_each(
        'ledger', 'experiment, customer_id', 'as_of asc, days_past_due desc, arrears_amount desc, currency asc'
    ) }}
)

select
    first_days.experiment,
    first_days.customer_id,
    first_days.arm,
    first_days.currency,
    first_days.as_of as entered_on
from first_days
where {{ is_new_member('first_days') }}

-- depends_on: {{ ref('int_builds__horizon') }}
{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_unless_older_day() }}") }}

with offers as (
    select * from {{ ref('int_customers__hardship_offer') }}
),

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
)

select
    offers.as_of,
    offers.customer_id,
    offers.currency,
    offers.reason,
    offers.owed_amount,
    offers.present_instalment,
    offers.offer_code,
    offers.offer_term_months,
    offers.offer_instalment,
    offers.offer_last_instalment,
    offers.offer_total,
    {{ rate('offers.offer_instalment', 'customers.monthly_income') }} as affordability
from offers
left join customers on offers.customer_id = customers.customer_id
where
    offers.as_of = {{ as_of_date() }}
    and {{ is_newest_day() }}

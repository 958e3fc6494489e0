{{ config(materialized='view') }}

with contacts as (
    {{ contact_rows('care') }}
),

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
),

points as (
    select * from {{ ref('stg_core_banking__contact_points') }}
),

offers as (
    select * from {{ ref('int_customers__hardship_offer') }}
)

select
    contacts.as_of,
    contacts.customer_id,
    contacts.vendor,
    contacts.contact_point_id,
    {{ contact_value('points.kind', 'points.value') }} as phone,
    customers.full_name,
    customers.language,
    contacts.care_reason as reason,
    offers.offer_code,
    offers.offer_term_months,
    offers.offer_instalment,
    contacts.currency,
    contacts.window_start as call_after,
    contacts.window_end as call_before
from contacts
inner join customers on contacts.contact_customer_id = customers.customer_id
inner join points on contacts.contact_point_id = points.contact_point_id
left join offers
    on
        contacts.as_of = offers.as_of
        and contacts.generation = offers.generation
        and contacts.customer_id = offers.customer_id
        and contacts.currency = offers.currency

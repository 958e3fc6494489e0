{{ config(materialized='view') }}

with contacts as (
    {{ contact_rows('care') }}
),

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
),

points as (
    select * from {{ ref('stg_core_banking__contact_points') }}
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
    contacts.template_or_offer as offer_code,
    -- An offer is a promise of the bank: none is made before the seed of hardship offers says which may be.
    cast(null as integer) as offer_term_months,
    cast(null as numeric(18, 2)) as offer_instalment,
    contacts.currency,
    contacts.window_start as call_after,
    contacts.window_end as call_before
from contacts
inner join customers on contacts.contact_customer_id = customers.customer_id
inner join points on contacts.contact_point_id = points.contact_point_id

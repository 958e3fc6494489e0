{{ config(materialized='view') }}

with contacts as (
    {{ contact_rows('field_visit') }}
),

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
),

points as (
    select * from {{ ref('stg_core_banking__contact_points') }}
)

-- Which tour a visit is on, and where, is found when the list is written: no query can look for it.
select
    contacts.as_of,
    contacts.customer_id,
    contacts.vendor,
    contacts.contact_point_id,
    customers.full_name,
    points.value as address,
    points.city,
    points.postal_code,
    points.latitude,
    points.longitude,
    customers.language,
    contacts.amount_due,
    contacts.currency,
    contacts.days_past_due,
    contacts.window_start as visit_after,
    contacts.window_end as visit_before,
    cast(null as text) as safety_note
from contacts
inner join customers on contacts.contact_customer_id = customers.customer_id
inner join points on contacts.contact_point_id = points.contact_point_id

{{ config(materialized='view') }}

with contacts as (
    {{ contact_rows('sms') }}
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
    customers.language,
    contacts.template_or_offer as template_id,
    customers.given_name as first_name,
    contacts.amount_due,
    contacts.currency,
    contacts.due_date,
    contacts.window_start as send_after,
    contacts.window_end as send_before
from contacts
inner join customers on contacts.contact_customer_id = customers.customer_id
inner join points on contacts.contact_point_id = points.contact_point_id

{{ config(materialized='view') }}

with contacts as (
    {{ contact_rows('phone') }}
),

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
),

points as {{ inline() }} (
    select * from {{ ref('stg_core_banking__contact_points') }}
)

select
    contacts.as_of,
    contacts.customer_id,
    contacts.vendor,
    contacts.contact_point_id,
    {{ contact_value('points.kind', 'points.value') }} as phone,
    {{ contact_value('alternates.kind', 'alternates.value') }} as alternate_phone,
    customers.full_name,
    customers.language,
    contacts.tier,
    contacts.priority,
    contacts.amount_due,
    contacts.currency,
    contacts.days_past_due,
    contacts.oldest_unpaid_due_date as oldest_due_date,
    contacts.last_payment_on,
    contacts.last_payment_amount,
    contacts.last_disposition,
    contacts.template_or_offer as offer_code,
    contacts.window_start as call_after,
    contacts.window_end as call_before,
    contacts.attempts as attempts_left,
    contacts.collector_hint
from contacts
inner join customers on contacts.contact_customer_id = customers.customer_id
inner join points on contacts.contact_point_id = points.contact_point_id
left join points as alternates on contacts.alternate_contact_point_id = alternates.contact_point_id

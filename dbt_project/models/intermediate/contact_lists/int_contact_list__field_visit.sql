{{ config(materialized='view') }}

with contacts as (
    {{ contact_rows('field_visit') }}
),

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
),

points as (
    select * from {{ ref('stg_core_banking__contact_points') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

flags as (
    select * from {{ ref('stg_core_banking__customer_flags') }}
),

known_flags as (
    select * from {{ ref('known_flags') }}
),

notes as (
    select * from {{ ref('safety_notes') }}
),

-- What was a reason to stay away, once it no longer is, is one to take care. While it holds there is no visit.
warnings as (
    select
        customer_id,
        suppresses as reason_code,
        occurred_on as known_on
    from events
    where suppresses is not null
    union all
    select
        flags.customer_id,
        known_flags.reason_code,
        flags.valid_from as known_on
    from flags
    inner join known_flags on flags.flag = known_flags.flag
),

precautions as (
    select
        warnings.customer_id,
        min(warnings.known_on) as known_on,
        {{ ordered_text('distinct notes.safety_note', 'notes.safety_note') }} as safety_note
    from warnings
    inner join notes on warnings.reason_code = notes.reason_code
    group by warnings.customer_id
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
    precautions.safety_note
from contacts
inner join customers on contacts.contact_customer_id = customers.customer_id
inner join points on contacts.contact_point_id = points.contact_point_id
left join precautions
    on
        contacts.customer_id = precautions.customer_id
        and contacts.as_of >= precautions.known_on

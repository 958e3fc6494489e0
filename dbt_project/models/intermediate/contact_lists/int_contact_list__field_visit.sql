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

-- A tour is a city's first digits of the postal code; its stops follow the code and the street. Good enough to drive,
-- and the same every time; distances are not looked at.
addressed as (
    select
        contacts.*,
        customers.full_name,
        customers.language,
        points.value as address,
        points.city,
        points.postal_code,
        points.latitude,
        points.longitude,
        concat_ws('-', coalesce(points.city, 'unknown'), left(points.postal_code, 3)) as route
    from contacts
    inner join customers on contacts.contact_customer_id = customers.customer_id
    inner join points on contacts.contact_point_id = points.contact_point_id
)

select
    as_of,
    customer_id,
    vendor,
    contact_point_id,
    full_name,
    address,
    city,
    postal_code,
    latitude,
    longitude,
    route,
    cast(
        row_number() over (
            partition by as_of, vendor, route
            order by postal_code nulls last, address, customer_id, currency
        ) as integer
    ) as stop,
    language,
    amount_due,
    currency,
    days_past_due,
    window_start as visit_after,
    window_end as visit_before,
    cast(null as text) as safety_note
from addressed

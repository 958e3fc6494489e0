{{ config(materialized='view') }}

with customers as (
    select * from {{ ref('stg_core_banking__customers') }}
),

windows as (
    select * from {{ ref('contact_windows') }}
),

limits as (
    select * from {{ ref('contact_limits') }}
),

rules as (
    select * from {{ ref('contact_rules') }}
),

zones as (
    select * from {{ ref('jurisdiction_time_zones') }}
),

-- A pack is complete or it is not used: half a pack would permit what the other half forbids.
packs as (
    select windows.jurisdiction
    from windows
    where {{ in_force('windows') }}
    intersect
    select limits.jurisdiction
    from limits
    where {{ in_force('limits') }}
    intersect
    select rules.jurisdiction
    from rules
    where {{ in_force('rules') }}
),

only_zones as (
    select
        jurisdiction,
        max(time_zone) as time_zone
    from zones
    group by jurisdiction
    having count(*) = 1
)

select
    customers.customer_id,
    customers.jurisdiction,
    coalesce(packs.jurisdiction, 'DEFAULT') as policy_id,
    coalesce(names.name, only_zones.time_zone) as time_zone,
    coalesce(names.name, only_zones.time_zone, {{ bank_time_zone() }}) as clock_zone
from customers
left join packs on customers.jurisdiction = packs.jurisdiction
-- Spelled as the database knows it, or not known at all.
left join {{ known_time_zones() }} as names on customers.time_zone = names.name
left join only_zones on customers.jurisdiction = only_zones.jurisdiction

{{ config(materialized='view') }}

-- Spelled as the database knows it, or not known at all. Looked up and not joined: a planner that expects few customers
-- goes through all names for each of them.
{%- set own_zone -%}
    case
        when customers.time_zone in (select names.name from {{ known_time_zones() }} as names) then customers.time_zone
    end
{%- endset %}

-- Without a `with`: PostgreSQL then looks only at customers whom a reader of this view asks for, not at each of them.
select
    customers.customer_id,
    customers.jurisdiction,
    coalesce(packs.jurisdiction, 'DEFAULT') as policy_id,
    coalesce({{ own_zone }}, only_zones.time_zone) as time_zone,
    coalesce({{ own_zone }}, only_zones.time_zone, {{ bank_time_zone() }}) as clock_zone
from {{ ref('stg_core_banking__customers') }} as customers
-- A pack is complete or it is not used: half a pack would permit what the other half forbids.
left join ( -- noqa: ST05
    select windows.jurisdiction
    from {{ ref('contact_windows') }} as windows
    where {{ in_force('windows') }}
    intersect
    select limits.jurisdiction
    from {{ ref('contact_limits') }} as limits
    where {{ in_force('limits') }}
    intersect
    select rules.jurisdiction
    from {{ ref('contact_rules') }} as rules
    where {{ in_force('rules') }}
) as packs on customers.jurisdiction = packs.jurisdiction
left join ( -- noqa: ST05
    select
        zones.jurisdiction,
        max(zones.time_zone) as time_zone
    from {{ ref('jurisdiction_time_zones') }} as zones
    group by zones.jurisdiction
    having count(*) = 1
) as only_zones on customers.jurisdiction = only_zones.jurisdiction

{% set prefers_from = '(' ~ as_of_date() ~ ' + consents.preferred_from)' -%}
{%- set prefers_to = '(' ~ as_of_date() ~ ' + consents.preferred_to)' -%}

with scope as (
    select * from {{ ref('int_customers__scope') }}
),

consents as (
    select * from {{ ref('int_customers__consent') }}
),

hours as (
    select * from {{ ref('int_policy__contact_hours') }}
),

-- In all the zones in which he may be.
asked as (
    select
        consents.customer_id,
        consents.channel,
        {{ opening_instant(prefers_from, 'zones.time_zone') }} as preferred_start,
        {{ closing_instant(prefers_to, 'zones.time_zone') }} as preferred_end
    from consents
    inner join scope on consents.customer_id = scope.customer_id
    inner join hours
        on
            scope.policy_id = hours.policy_id
            and scope.jurisdiction = hours.jurisdiction
            and scope.time_zone is not distinct from hours.time_zone
            and consents.channel = hours.channel
    cross join lateral ({{ rows_of('hours.time_zones', 'time_zone') }}) as zones -- noqa: ST05
    where consents.preferred_from is not null or consents.preferred_to is not null
)

select
    customer_id,
    channel,
    max(preferred_start) as preferred_start,
    min(preferred_end) as preferred_end
from asked
group by customer_id, channel

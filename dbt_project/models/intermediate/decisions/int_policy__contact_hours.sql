{% set opens = '(' ~ as_of_date() ~ ' + local_hours.opens)' -%}
{%- set closes = '(' ~ as_of_date() ~ ' + local_hours.closes)' -%}
{%- set zone = 'candidate_zones.candidate' -%}

with scope as (
    select * from {{ ref('int_customers__scope') }}
),

windows as (
    select * from {{ ref('contact_windows') }}
),

zones as (
    select * from {{ ref('jurisdiction_time_zones') }}
),

channels as (
    select * from {{ ref('channels') }}
),

calendar as (
    select * from {{ source('ops', 'calendar_day') }}
),

places as (
    select distinct
        policy_id,
        jurisdiction,
        time_zone
    from scope
),

-- Where the zone is not known, hours must be allowed in every zone of the jurisdiction; where that is not known either,
-- in every zone that we know, which leaves none.
candidate_zones as (
    select
        places.policy_id,
        places.jurisdiction,
        places.time_zone,
        coalesce(places.time_zone, zones.time_zone) as candidate
    from places
    left join zones
        on
            places.time_zone is null
            and (
                places.jurisdiction = zones.jurisdiction
                or places.jurisdiction not in (select known.jurisdiction from zones as known)
            )
),

days as (
    select
        places.policy_id,
        places.jurisdiction,
        {{ weekday_of(as_of_date()) }} as weekday,
        coalesce(bool_or(calendar.is_public_holiday), false) as is_holiday
    from places
    left join calendar
        on
            places.jurisdiction = calendar.jurisdiction
            and {{ as_of_date() }} = calendar.day
    group by places.policy_id, places.jurisdiction
),

applicable as (
    select
        days.policy_id,
        days.jurisdiction,
        channels.channel,
        windows.weekday,
        days.is_holiday,
        windows.opens,
        windows.closes,
        bool_or(windows.weekday = 'holiday') over (
            partition by days.policy_id, days.jurisdiction, channels.channel
        ) as has_holiday_rule
    from days
    cross join channels
    inner join windows
        on
            days.policy_id = windows.jurisdiction
            and {{ in_force('windows') }}
            and (windows.channel is null or windows.channel in (channels.channel, channels.medium))
            and (
                windows.weekday is null
                or days.weekday = windows.weekday
                or (windows.weekday = 'holiday' and days.is_holiday)
            )
),

-- On a public holiday the holiday's rows stand in place of those of its weekday, where the pack has any.
local_hours as (
    select
        policy_id,
        jurisdiction,
        channel,
        bool_and(opens is not null and closes is not null) as is_open,
        max(opens) as opens,
        min(closes) as closes
    from applicable
    where weekday is null or (weekday = 'holiday') = (is_holiday and has_holiday_rule)
    group by policy_id, jurisdiction, channel
),

instants as (
    select
        candidate_zones.policy_id,
        candidate_zones.jurisdiction,
        candidate_zones.time_zone,
        local_hours.channel,
        {{ ordered_array(zone, zone) }} as time_zones,
        max({{ opening_instant(opens, zone) }}) as window_start,
        min({{ closing_instant(closes, zone) }}) as window_end
    from candidate_zones
    inner join local_hours
        on
            candidate_zones.policy_id = local_hours.policy_id
            and candidate_zones.jurisdiction = local_hours.jurisdiction
    where local_hours.is_open
    group by
        candidate_zones.policy_id, candidate_zones.jurisdiction, candidate_zones.time_zone, local_hours.channel
)

select
    policy_id,
    jurisdiction,
    time_zone,
    time_zones,
    channel,
    window_start,
    window_end
from instants
where window_start < window_end

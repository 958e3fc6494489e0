-- depends_on: {{ ref('int_builds__horizon') }}
{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_unless_older_day() }}") }}

with complaints as (
    select
        *,
        cast(received_at at time zone {{ bank_time_zone() }} as date) as received_on,
        cast(responded_at at time zone {{ bank_time_zone() }} as date) as responded_on,
        cast(closed_at at time zone {{ bank_time_zone() }} as date) as closed_on,
        coalesce(channel, 'unknown') as complaint_channel,
        coalesce(category, 'unknown') as complaint_category
    from {{ ref('stg_core_banking__complaints') }}
),

attempts as (
    select * from {{ ref('fct_contact_attempt') }}
),

-- As it was known on the business date: an answer of a later day was none yet.
received as (
    select
        complaint_channel as channel,
        complaint_category as category,
        upheld,
        {{ month_of('received_on') }} as month,
        case when responded_on <= {{ as_of_date() }} then responded_on - received_on end as response_days,
        case when closed_on <= {{ as_of_date() }} then closed_on - received_on end as closing_days
    from complaints
    where received_on <= {{ as_of_date() }}
),

counted as (
    select
        month,
        channel,
        category,
        count(*) as received,
        count(*) filter (where upheld) as upheld,
        count(upheld) as decided,
        count(*) filter (where closing_days is null) as open,
        count(response_days) as responded,
        percentile_cont(0.5) within group (order by response_days) as median_response_days,
        percentile_cont(0.5) within group (order by closing_days) as median_closing_days
    from received
    group by month, channel, category
),

contacted as (
    select
        attempted_month as month,
        channel,
        count(*) filter (where is_contact) as contacts
    from attempts
    group by attempted_month, channel
)

select
    counted.month,
    counted.channel,
    counted.category,
    cast(counted.received as integer) as received,
    cast(counted.upheld as integer) as upheld,
    cast(counted.decided as integer) as decided,
    {{ rate('counted.upheld', 'counted.decided') }} as upheld_rate,
    cast(counted.open as integer) as open,
    cast(counted.responded as integer) as responded,
    cast(counted.median_response_days as numeric(18, 1)) as median_response_days,
    cast(counted.median_closing_days as numeric(18, 1)) as median_closing_days,
    cast(coalesce(contacted.contacts, 0) as integer) as contacts,
    {{ rate('10000 * counted.upheld', 'contacted.contacts') }} as upheld_per_10000_contacts
from counted
left join contacted
    on
        counted.month = contacted.month
        and counted.channel = contacted.channel
where {{ is_newest_day() }}

with scope as (
    select * from {{ ref('int_customers__scope') }}
),

consents as (
    select * from {{ ref('stg_core_banking__contact_consents') }}
),

channels as (
    select * from {{ ref('channels') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

opt_out_rules as (
    {{ policy_parameter('opt_out_closes') }}
),

-- Packs by which one opt-out is meant for every channel.
all_closing as (
    select distinct policy_id
    from opt_out_rules
    where opt_out_closes = 'all'
),

customers as (
    select distinct
        scope.customer_id,
        all_closing.policy_id is not null as does_opt_out_close_all
    from scope
    left join all_closing on scope.policy_id = all_closing.policy_id
),

-- One medium, one will: who refuses calls refuses care calls too. `all` speaks of every channel.
expanded as (
    select
        consents.customer_id,
        channels.channel,
        consents.channel as said_of,
        consents.consent,
        consents.valid_from,
        consents.preferred_from,
        consents.preferred_to
    from consents
    inner join customers on consents.customer_id = customers.customer_id
    inner join channels on consents.channel in (channels.channel, channels.medium, 'all')
    where {{ in_force('consents') }}
),

newest as (
    {{ first_of_each('expanded', 'customer_id, channel, said_of', 'valid_from desc') }}
),

stated as (
    select
        customer_id,
        channel,
        bool_or(consent = 'refused') as is_refused,
        bool_or(consent = 'granted') as is_granted,
        max(valid_from) filter (where consent = 'granted') as granted_from,
        max(preferred_from) as preferred_from,
        min(preferred_to) as preferred_to
    from newest
    group by customer_id, channel
),

-- An opt-out said to anybody holds until the bank records a later consent. Outside our channels it speaks of all.
opted_out as (
    select
        events.customer_id,
        channels.channel,
        max(events.occurred_on) as opted_out_on
    from events
    inner join customers on events.customer_id = customers.customer_id
    inner join channels
        on
            customers.does_opt_out_close_all
            or events.medium in (channels.channel, channels.medium)
            or events.channel not in (select known.channel from channels as known)
    where
        events.suppresses = 'CHANNEL_REFUSED'
        and events.occurred_on <= {{ as_of_date() }}
    group by events.customer_id, channels.channel
)

select
    stated.preferred_from,
    stated.preferred_to,
    coalesce(stated.customer_id, opted_out.customer_id) as customer_id,
    coalesce(stated.channel, opted_out.channel) as channel,
    coalesce(stated.is_refused, false)
    or coalesce(
        opted_out.opted_out_on is not null
        and (stated.granted_from is null or stated.granted_from <= opted_out.opted_out_on),
        false
    ) as is_refused,
    coalesce(stated.is_granted, false) as is_granted
from stated
full outer join opted_out
    on
        stated.customer_id = opted_out.customer_id
        and stated.channel = opted_out.channel

with interactions as (
    select * from {{ ref('stg_core_banking__customer_interactions') }}
),

results as (
    select * from {{ ref('stg_vendor__result') }}
),

dispositions as (
    select * from {{ ref('dispositions') }}
),

channels as (
    select * from {{ ref('channels') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

policies as (
    select * from {{ ref('int_customers__policy') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
),

-- A vendor's file says by the clock when it was read, and business dates need not go with the clock: it was known on
-- the date of the first build after it.
builds as (
    select
        {{ ordered_array('built.known_at', 'built.build_id') }} as known_ats,
        {{ ordered_array('built.as_of', 'built.build_id') }} as as_ofs
    from {{ source('ops', 'mart_build') }} as built
    where
        built.state <> 'failed'
        and built.generation = (select max(generations.generation) from generations)
),

events as (
    select
        'interaction' as source,
        interactions.interaction_id as source_key,
        interactions.customer_id,
        interactions.loan_id,
        coalesce(interactions.currency, loans.currency) as currency,
        interactions.direction,
        interactions.channel,
        null as vendor,
        null as collector_id,
        null as batch_id,
        null as contact_ref,
        null as contact_point_ref,
        null as contact_point_id,
        interactions.occurred_at,
        interactions.disposition,
        interactions.promise_amount,
        interactions.promise_on,
        cast(interactions.updated_at at time zone {{ bank_time_zone() }} as date) as recorded_on
    from interactions
    left join loans on interactions.loan_id = loans.loan_id
    union all
    select
        'vendor_result' as source,
        cast(results.result_id as text) as source_key,
        results.customer_id,
        null as loan_id,
        results.currency,
        'outbound' as direction,
        results.channel,
        results.vendor,
        results.collector_id,
        results.batch_id,
        results.contact_ref,
        coalesce(results.contact_point_ref, 'phone') as contact_point_ref,
        results.contact_point_id,
        results.attempted_at as occurred_at,
        results.disposition,
        results.promise_amount,
        results.promise_on,
        coalesce(
            builds.as_ofs[{{ count_up_to('builds.known_ats', 'results.loaded_at') }} + 1], {{ as_of_date() }}
        ) as recorded_on
    from results
    cross join builds
)

select
    events.source,
    events.source_key,
    events.customer_id,
    events.loan_id,
    events.currency,
    events.direction,
    events.channel,
    events.vendor,
    events.collector_id,
    events.batch_id,
    events.contact_ref,
    events.contact_point_ref,
    events.contact_point_id,
    events.occurred_at,
    events.disposition,
    events.promise_amount,
    events.promise_on,
    cast(events.occurred_at at time zone policies.clock_zone as date) as occurred_on,
    cast(extract(hour from events.occurred_at at time zone policies.clock_zone) as integer) as local_hour,
    greatest(cast(events.occurred_at at time zone policies.clock_zone as date), events.recorded_on) as known_on,
    coalesce(channels.medium, events.channel) as medium,
    -- A disposition that nobody knows is taken for the one that restrains us most.
    coalesce(dispositions.is_contact, true) as is_contact,
    coalesce(dispositions.is_right_party, true) as is_right_party,
    coalesce(dispositions.is_promise, false) as is_promise,
    case when dispositions.disposition is null then 'UNKNOWN_FLAG' else dispositions.suppresses end as suppresses
from events
inner join policies on events.customer_id = policies.customer_id
left join channels on events.channel = channels.channel
left join dispositions on events.disposition = dispositions.disposition

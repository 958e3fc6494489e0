with scope as (
    select * from {{ ref('int_customers__scope') }}
),

flags as (
    select * from {{ ref('stg_core_banking__customer_flags') }}
),

known_flags as (
    select * from {{ ref('known_flags') }}
),

feeds as (
    select * from {{ ref('stg_core_banking__feed_status') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

complaints as (
    select * from {{ ref('stg_core_banking__complaints') }}
),

arrangements as (
    select * from {{ ref('stg_core_banking__hardship_arrangements') }}
),

kept_plans as (
    select * from {{ ref('int_loans__kept_plan') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

parties as (
    select * from {{ ref('stg_core_banking__loan_parties') }}
),

data_holds as (
    select * from {{ ref('int_customers__data_hold') }}
),

joint_rules as (
    {{ policy_parameter('joint_debtors', 'boolean') }}
),

promises as (
    {{ promise_states(as_of_date()) }}
),

customers as (
    select distinct
        customer_id,
        policy_id
    from scope
),

flagged as (
    select
        flags.customer_id,
        flags.valid_from as since_on,
        coalesce(known_flags.reason_code, 'UNKNOWN_FLAG') as reason_code
    from flags
    left join known_flags on flags.flag = known_flags.flag
    where {{ in_force('flags') }}
),

-- Flags that the bank took back: they also end what a customer told us while they were in force, or before.
lifted as (
    select
        flags.customer_id,
        known_flags.reason_code,
        flags.valid_to - 1 as last_day
    from flags
    inner join known_flags on flags.flag = known_flags.flag
    where flags.valid_to <= {{ as_of_date() }}
),

-- Somebody decided on a request for help: on the day of the acceptance or, where the bank names none, of the change.
-- What becomes of a plan later answers no request that was made since.
decided as (
    select
        loans.customer_id,
        coalesce(
            arrangements.accepted_on, cast(arrangements.updated_at at time zone {{ bank_time_zone() }} as date)
        ) as decided_on
    from arrangements
    inner join loans on arrangements.loan_id = loans.loan_id
    where arrangements.status <> 'offered'
),

ended as (
    select * from lifted
    union all
    select
        customer_id,
        'HARDSHIP_REQUESTED' as reason_code,
        decided_on as last_day
    from decided
    where decided_on <= {{ as_of_date() }}
),

-- What a vendor or the bank was told works as a flag from the moment it landed.
told as (
    select
        events.customer_id,
        events.suppresses as reason_code,
        max(events.occurred_on) as since_on
    from events
    left join ended
        on
            events.customer_id = ended.customer_id
            and events.suppresses = ended.reason_code
            and events.occurred_on <= ended.last_day
    where
        events.suppresses not in ('CHANNEL_REFUSED', 'CONTACT_POINT_INVALID')
        and events.occurred_on <= {{ as_of_date() }}
        and ended.customer_id is null
    group by events.customer_id, events.suppresses
),

conversations as (
    select
        customer_id,
        'CONVERSATION_PAUSE' as reason_code,
        max(occurred_on) as since_on
    from events
    where
        is_right_party
        and medium not in ('sms', 'legal')
        and occurred_on <= {{ as_of_date() }}
    group by customer_id
),

-- What holds for one debtor holds for those who owe with him, where the rule says so.
debtors as (
    {{ joint_debtors() }}
),

shared_reasons as (
    select * from flagged
    union all
    select
        customer_id,
        since_on,
        reason_code
    from told
),

joint as (
    select
        debtors.customer_id,
        shared_reasons.reason_code,
        shared_reasons.since_on
    from shared_reasons
    inner join joint_rules
        on
            shared_reasons.reason_code = joint_rules.reason_code
            and joint_rules.joint_debtors
    inner join debtors as held on shared_reasons.customer_id = held.customer_id
    inner join debtors
        on
            held.loan_id = debtors.loan_id
            and held.customer_id <> debtors.customer_id
    inner join customers
        on
            debtors.customer_id = customers.customer_id
            and joint_rules.policy_id = customers.policy_id
),

open_complaints as (
    select
        customer_id,
        'COMPLAINT_OPEN' as reason_code,
        max(cast(received_at at time zone {{ bank_time_zone() }} as date)) as since_on
    from complaints
    where
        cast(received_at at time zone {{ bank_time_zone() }} as date) <= {{ as_of_date() }}
        and (closed_at is null or cast(closed_at at time zone {{ bank_time_zone() }} as date) > {{ as_of_date() }})
    group by customer_id
),

-- Flags that are out of date protect nobody, so everybody is protected. A bank that feeds us must say how far its flags
-- go; a set of files that somebody loaded (mode static) may leave it open, and is judged where it does say so.
-- The age is taken at 08:00 of the business date, when contacts begin.
stale_feed as (
    select 1 as is_stale
    from generations
    left join feeds on feeds.table_name = 'customer_flags'
    where
        generations.generation = (select max(newest.generation) from generations as newest)
        and case
            when feeds.complete_to is null then generations.mode = 'feed'
            else
                feeds.complete_to
                < (cast({{ as_of_date() }} as timestamp) + interval '8 hours') at time zone {{ bank_time_zone() }}
                - interval '{{ env_var("ARREARS_FLAG_FEED_MAX_AGE_HOURS", "26") }} hours'
        end
),

holds as (
    select
        customer_id,
        'DATA_HOLD' as reason_code,
        cast(null as text) as currency,
        {{ as_of_date() }} as since_on
    from data_holds
    union all
    select
        customers.customer_id,
        'UNKNOWN_FLAG' as reason_code,
        null as currency,
        {{ as_of_date() }} as since_on
    from customers
    cross join stale_feed
    union all
    select
        customer_id,
        reason_code,
        null as currency,
        since_on
    from flagged
    union all
    select
        customer_id,
        reason_code,
        null as currency,
        since_on
    from told
    union all
    select
        customer_id,
        reason_code,
        null as currency,
        since_on
    from joint
    union all
    select
        customer_id,
        reason_code,
        null as currency,
        since_on
    from open_complaints
    union all
    select
        customer_id,
        reason_code,
        null as currency,
        since_on
    from conversations
    union all
    select
        customer_id,
        'HARDSHIP_ACTIVE' as reason_code,
        null as currency,
        protects_from as since_on
    from kept_plans
    union all
    select
        customer_id,
        'PROMISE_OPEN' as reason_code,
        currency,
        promised_on as since_on
    from promises
    where status = 'open'
)

select
    holds.customer_id,
    holds.reason_code,
    holds.currency,
    max(holds.since_on) as since_on
from holds
inner join customers on holds.customer_id = customers.customer_id
group by holds.customer_id, holds.reason_code, holds.currency

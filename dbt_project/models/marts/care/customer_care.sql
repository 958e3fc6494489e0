-- depends_on: {{ ref('int_builds__horizon') }}
{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_unless_older_day() }}") }}

with events as (
    select * from {{ ref('int_customers__contact_event') }}
),

attempts as (
    select * from {{ ref('fct_contact_attempt') }}
),

complaints as (
    select * from {{ ref('stg_core_banking__complaints') }}
),

arrangements as (
    select * from {{ ref('stg_core_banking__hardship_arrangements') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

plans as (
    select * from {{ ref('int_loans__plan') }}
),

signs as (
    select * from {{ ref('int_customers__hardship_sign') }}
),

talks as (
    select
        customer_id,
        max(case when is_right_party then occurred_on end) as last_contact_on
    from events
    where occurred_on <= {{ as_of_date() }}
    group by customer_id
),

-- Only who was spoken with can be asked how it was: that is the denominator of the answers.
asked as (
    select
        customer_id,
        count(*) as right_party_contacts,
        count(satisfaction) as satisfaction_answers,
        avg(satisfaction) as satisfaction
    from attempts
    where
        is_right_party
        and cast(attempted_at at time zone {{ bank_time_zone() }} as date) <= {{ as_of_date() }}
        and cast(attempted_at at time zone {{ bank_time_zone() }} as date) > {{ as_of_date() }} - 365
    group by customer_id
),

complained as (
    select
        customer_id,
        count(*) as complaints,
        count(*) filter (
            where closed_at is null or cast(closed_at at time zone {{ bank_time_zone() }} as date) > {{ as_of_date() }}
        ) as complaints_open,
        count(*) filter (where upheld) as complaints_upheld
    from complaints
    where cast(received_at at time zone {{ bank_time_zone() }} as date) <= {{ as_of_date() }}
    group by customer_id
),

current_plans as (
    select
        customer_id,
        bool_and(is_kept) as is_kept
    from plans
    group by customer_id
),

-- What became of the last arrangement, where none is in force.
arranged as (
    select
        loans.customer_id,
        arrangements.arrangement_id,
        arrangements.status,
        arrangements.starts_on
    from arrangements
    inner join loans on arrangements.loan_id = loans.loan_id
    where
        coalesce(arrangements.accepted_on, arrangements.starts_on) <= {{ as_of_date() }}
        or arrangements.status in ('offered', 'declined')
),

last_arrangements as (
    {{ first_of_each('arranged', 'customer_id', 'starts_on desc nulls last, arrangement_id desc') }}
),

asking as (
    select
        customer_id,
        bool_or(sign = 'hardship_requested') as has_asked
    from signs
    group by customer_id
),

customers as (
    select customer_id from talks
    union distinct
    select customer_id from asked
    union distinct
    select customer_id from complained
    union distinct
    select customer_id from arranged
    union distinct
    select customer_id from asking
)

select
    {{ as_of_date() }} as as_of,
    customers.customer_id,
    cast(round(cast(asked.satisfaction as numeric(18, 6)), 2) as numeric(18, 2)) as satisfaction,
    cast(coalesce(asked.satisfaction_answers, 0) as integer) as satisfaction_answers,
    cast(coalesce(asked.right_party_contacts, 0) as integer) as right_party_contacts,
    {{ rate('asked.satisfaction_answers', 'asked.right_party_contacts') }} as satisfaction_answer_rate,
    cast(coalesce(complained.complaints, 0) as integer) as complaints,
    cast(coalesce(complained.complaints_open, 0) as integer) as complaints_open,
    cast(coalesce(complained.complaints_upheld, 0) as integer) as complaints_upheld,
    case
        when current_plans.is_kept then 'plan_kept'
        when not current_plans.is_kept then 'plan_broken'
        when asking.has_asked then 'requested'
        when last_arrangements.status = 'offered' then 'offered'
        when asking.customer_id is not null then 'signs'
        when last_arrangements.status = 'completed' then 'plan_completed'
        when last_arrangements.status = 'broken' then 'plan_broken'
        when last_arrangements.status = 'declined' then 'declined'
        when last_arrangements.customer_id is not null then 'plan_ended'
        else 'none'
    end as hardship_state,
    coalesce(
        current_plans.is_kept,
        case last_arrangements.status when 'completed' then true when 'broken' then false end
    ) as plan_kept,
    talks.last_contact_on
from customers
left join talks on customers.customer_id = talks.customer_id
left join asked on customers.customer_id = asked.customer_id
left join complained on customers.customer_id = complained.customer_id
left join current_plans on customers.customer_id = current_plans.customer_id
left join last_arrangements on customers.customer_id = last_arrangements.customer_id
left join asking on customers.customer_id = asking.customer_id
where {{ is_newest_day() }}

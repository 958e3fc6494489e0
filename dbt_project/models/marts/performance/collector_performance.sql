{{ config(
    materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}",
    on_schema_change='append_new_columns'
) }}

with cases as (
    select * from {{ ref('int_collectors__case') }}
),

attempts as (
    select * from {{ ref('fct_contact_attempt') }}
),

promises as (
    select * from {{ ref('fct_promise') }}
),

collectors as (
    select * from {{ ref('stg_core_banking__collectors') }}
),

reviews as (
    select * from {{ ref('stg_vendor__qa') }}
),

requests as (
    select * from {{ ref('qa_request') }}
),

complaints as (
    select * from {{ ref('stg_core_banking__complaints') }}
),

trainings as (
    select * from {{ ref('int_collectors__training') }}
),

recovery as (
    {{ indexed_recovery('collector_id') }}
),

worked as (
    select
        collector_id,
        attempted_month as month,
        currency,
        max(vendor) as vendor,
        max(channel) as channel,
        count(*) as attempts,
        count(*) filter (where is_contact) as contacts,
        count(*) filter (where is_right_party) as right_party_contacts,
        {{ cost_of_all() }} as cost,
        coalesce(sum(talk_seconds), 0) as talk_seconds
    from attempts
    where collector_id is not null
    group by collector_id, attempted_month, currency
),

promised as (
    select
        collector_id,
        cast(date_trunc('month', promised_on) as date) as month,
        currency,
        count(*) as promises,
        count(*) filter (where status = 'kept') as promises_kept,
        count(*) filter (where status <> 'open') as promises_matured,
        sum(amount) as amount_promised,
        sum(least(amount, paid_amount)) as amount_kept
    from promises
    where collector_id is not null
    group by collector_id, date_trunc('month', promised_on), currency
),

heard as (
    {{ heard_reviews() }}
),

-- What is judged of a collector whatever the currency: the same on each of his rows of the month.
quality as (
    select
        collector_id,
        month,
        {{ score_of_reviews() }} as qa_score,
        count(*) as reviews,
        count(*) filter (where breach_code is not null) as breaches
    from heard
    where collector_id is not null
    group by collector_id, month
),

conduct as (
    select
        collector_id,
        attempted_month as month,
        cast(round(avg(satisfaction), 2) as numeric(18, 2)) as satisfaction,
        count(satisfaction) as ratings,
        count(*) as attempts,
        {{ breaches_of_attempts() }} as breaches
    from attempts
    where collector_id is not null
    group by collector_id, attempted_month
),

-- A customer who complains to the vendor and to the bank on one day complains once.
complained as (
    select
        collector_id,
        customer_id,
        cast(received_at at time zone {{ bank_time_zone() }} as date) as complained_on
    from complaints
    where collector_id is not null
    union distinct
    select
        collector_id,
        customer_id,
        cast(attempted_at at time zone {{ bank_time_zone() }} as date) as complained_on
    from attempts
    where
        is_complaint
        and collector_id is not null
),

complaint_counts as (
    select
        collector_id,
        cast(date_trunc('month', complained_on) as date) as month,
        count(*) as complaints
    from complained
    group by collector_id, date_trunc('month', complained_on)
),

money as (
    {% for part in ['recovery', 'worked', 'promised'] -%}
    select
        collector_id,
        month,
        currency
    from {{ part }}
    {% if not loop.last %}union distinct{% endif %}
    {% endfor %}
),

people as (
    select
        collector_id,
        month
    from quality
    union distinct
    select
        collector_id,
        month
    from complaint_counts
),

-- Who is judged in a month without any money of his has a row all the same, in no currency.
keys as (
    select * from money
    union all
    select
        people.collector_id,
        people.month,
        'XXX' as currency
    from people
    where
        not exists (
            select 1 from money
            where
                people.collector_id = money.collector_id
                and people.month = money.month
        )
),

joined as (
    select
        keys.collector_id,
        keys.month,
        keys.currency,
        recovery.recovery_index,
        recovery.recovery_index_low,
        recovery.recovery_index_high,
        quality.qa_score,
        conduct.satisfaction,
        trainings.overdue_courses,
        coalesce(recovery.cases, 0) as cases,
        coalesce(recovery.amount_recovered, 0) as amount_recovered,
        coalesce(recovery.expected_recovery, 0) as expected_recovery,
        coalesce(collectors.channel, worked.channel, 'unknown') as channel,
        coalesce(collectors.vendor, worked.vendor, 'unknown') as vendor,
        coalesce(worked.attempts, 0) as attempts,
        coalesce(worked.contacts, 0) as contacts,
        coalesce(worked.right_party_contacts, 0) as right_party_contacts,
        coalesce(promised.promises, 0) as promises,
        coalesce(promised.promises_kept, 0) as promises_kept,
        coalesce(promised.promises_matured, 0) as promises_matured,
        coalesce(promised.amount_promised, 0) as amount_promised,
        coalesce(promised.amount_kept, 0) as amount_kept,
        case when worked.attempts is null then 0 else worked.cost end as cost,
        coalesce(worked.talk_seconds, 0) as talk_seconds,
        coalesce(quality.reviews, 0) as reviews,
        coalesce(conduct.ratings, 0) as ratings,
        coalesce(conduct.attempts, 0) as attempts_of_month,
        coalesce(quality.breaches, 0) + coalesce(conduct.breaches, 0) as breaches,
        coalesce(complaint_counts.complaints, 0) as complaints,
        -- A collector whom the bank does not list has proved no training.
        case when collectors.collector_id is null then true else trainings.training_overdue end as training_overdue
    from keys
    left join recovery
        on
            keys.collector_id = recovery.collector_id
            and keys.month = recovery.month
            and keys.currency = recovery.currency
    left join collectors on keys.collector_id = collectors.collector_id
    left join worked
        on
            keys.collector_id = worked.collector_id
            and keys.month = worked.month
            and keys.currency = worked.currency
    left join promised
        on
            keys.collector_id = promised.collector_id
            and keys.month = promised.month
            and keys.currency = promised.currency
    left join quality
        on
            keys.collector_id = quality.collector_id
            and keys.month = quality.month
    left join conduct
        on
            keys.collector_id = conduct.collector_id
            and keys.month = conduct.month
    left join complaint_counts
        on
            keys.collector_id = complaint_counts.collector_id
            and keys.month = complaint_counts.month
    left join trainings
        on
            keys.collector_id = trainings.collector_id
            and keys.month = trainings.month
),

-- The first thing to talk about, most serious first.
judged as (
    select
        *,
        case
            when breaches > 0 then 'compliance'
            when training_overdue then 'training'
            when qa_score < 70 then 'conversation_quality'
            when satisfaction < 3 or complaints > 0 then 'empathy'
            when promises_matured >= 5 and promises_kept < promises_matured / 2.0 then 'promise_quality'
            when recovery_index_high < 1 then 'recovery'
        end as coaching_topic
    from joined
)

select
    collector_id,
    month,
    currency,
    channel,
    vendor,
    cast(cases as integer) as cases,
    cast(attempts as integer) as attempts,
    cast(contacts as integer) as contacts,
    cast(right_party_contacts as integer) as right_party_contacts,
    cast(promises as integer) as promises,
    cast(promises_kept as integer) as promises_kept,
    {{ rate('contacts', 'attempts') }} as contact_rate,
    {{ rate('right_party_contacts', 'attempts') }} as right_party_rate,
    {{ rate('promises', 'right_party_contacts') }} as promise_rate,
    {{ rate('promises_kept', 'promises_matured') }} as promise_kept_rate,
    cast(amount_promised as numeric(18, 2)) as amount_promised,
    cast(amount_kept as numeric(18, 2)) as amount_kept,
    cast(amount_recovered as numeric(18, 2)) as amount_recovered,
    cast(expected_recovery as numeric(18, 2)) as expected_recovery,
    recovery_index,
    recovery_index_low,
    recovery_index_high,
    cast(cost as numeric(18, 4)) as cost,
    {{ rate('cost', 'amount_recovered') }} as cost_per_unit_recovered,
    cast(talk_seconds as bigint) as talk_seconds,
    qa_score,
    cast(reviews as integer) as reviews,
    cast(breaches as integer) as breaches,
    cast(complaints as integer) as complaints,
    satisfaction,
    training_overdue,
    coaching_topic,
    case coaching_topic
        when 'compliance'
            then breaches || ' breaches in ' || attempts_of_month || ' attempts and ' || reviews || ' reviews'
        when 'training'
            then coalesce('overdue: ' || overdue_courses, 'not listed as a collector')
        when 'conversation_quality'
            then 'average score ' || qa_score || ' in ' || reviews || ' reviews'
        when 'empathy'
            then
                complaints || ' complaints in ' || attempts_of_month || ' attempts'
                || coalesce(', average rating ' || satisfaction || ' of ' || ratings, '')
        when 'promise_quality'
            then promises_kept || ' of ' || promises_matured || ' promises kept'
        when 'recovery'
            then
                'recovered ' || round(recovery_index, 2) || ' (' || round(recovery_index_low, 2) || ' to '
                || round(recovery_index_high, 2) || ') of what equal cases bring'
    end as coaching_evidence
from judged

{{ config(
    materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}",
    on_schema_change='append_new_columns'
) }}

with attempts as (
    select * from {{ ref('fct_contact_attempt') }}
),

promises as (
    select * from {{ ref('fct_promise') }}
),

promise_facts as (
    select * from {{ ref('int_customers__promise') }}
),

cases as (
    select * from {{ ref('int_collectors__case') }}
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

worked as (
    select
        channel,
        vendor,
        tier,
        attempted_month as month,
        currency,
        cast(round(avg(satisfaction), 2) as numeric(18, 2)) as satisfaction,
        count(*) as attempts,
        count(*) filter (where is_contact) as contacts,
        count(*) filter (where is_right_party) as right_party_contacts,
        {{ cost_of_all() }} as cost,
        coalesce(sum(talk_seconds), 0) as talk_seconds,
        {{ breaches_of_attempts() }} as breaches
    from attempts
    group by channel, vendor, tier, attempted_month, currency
),

-- The tier of a promise is that of the attempt in which it was made.
promised as (
    select
        promises.channel,
        promises.vendor,
        attempts.tier,
        cast(date_trunc('month', promises.promised_on) as date) as month,
        promises.currency,
        count(*) as promises,
        count(*) filter (where promises.status = 'kept') as promises_kept,
        count(*) filter (where promises.status <> 'open') as promises_matured,
        sum(promises.amount) as amount_promised,
        sum(least(promises.amount, promises.paid_amount)) as amount_kept
    from promises
    inner join promise_facts on promises.promise_id = promise_facts.promise_id
    inner join attempts on promise_facts.result_id = attempts.result_id
    group by
        promises.channel, promises.vendor, attempts.tier, date_trunc('month', promises.promised_on), promises.currency
),

recovered as (
    {{ indexed_recovery('channel, vendor, tier', 'team_share', 'team_has_peers', 'variance_of_other_teams') }}
),

-- A review counts where the attempt does that reported the recording.
heard as (
    {{ heard_reviews() }}
),

quality as (
    select
        channel,
        vendor,
        tier,
        currency,
        month,
        {{ score_of_reviews() }} as qa_score,
        count(*) as reviews,
        count(*) filter (where breach_code is not null) as breaches
    from heard
    group by channel, vendor, tier, currency, month
),

-- What somebody complained of to the bank is the last attempt of the collector whom he named.
blamed as (
    select
        complaints.complaint_id,
        complaints.received_at as complained_at,
        attempts.channel,
        attempts.vendor,
        attempts.tier,
        attempts.currency,
        attempts.customer_id,
        attempts.attempted_at,
        attempts.result_id
    from complaints
    inner join attempts
        on
            complaints.customer_id = attempts.customer_id
            and complaints.collector_id = attempts.collector_id
            and complaints.received_at >= attempts.attempted_at
            and complaints.received_at - interval '30 days' <= attempts.attempted_at
),

to_the_bank as (
    {{ first_of_each('blamed', 'complaint_id', 'attempted_at desc, result_id desc') }}
),

complained as (
    select
        channel,
        vendor,
        tier,
        currency,
        customer_id,
        cast(complained_at at time zone {{ bank_time_zone() }} as date) as complained_on
    from to_the_bank
    union all
    select
        channel,
        vendor,
        tier,
        currency,
        customer_id,
        cast(attempted_at at time zone {{ bank_time_zone() }} as date) as complained_on
    from attempts
    where is_complaint
),

-- A customer who complains to the vendor and to the bank on one day complains once.
complained_once as (
    {{ first_of_each('complained', 'channel, vendor, customer_id, complained_on', 'tier asc, currency asc') }}
),

complaint_counts as (
    select
        channel,
        vendor,
        tier,
        currency,
        cast(date_trunc('month', complained_on) as date) as month,
        count(*) as complaints
    from complained_once
    group by channel, vendor, tier, currency, date_trunc('month', complained_on)
),

keys as (
    {% for part in ['worked', 'promised', 'recovered', 'quality', 'complaint_counts'] -%}
    select
        channel,
        vendor,
        tier,
        month,
        currency
    from {{ part }}
    {% if not loop.last %}union distinct{% endif %}
    {% endfor %}
),

joined as (
    select
        keys.channel,
        keys.vendor,
        keys.tier,
        keys.month,
        keys.currency,
        worked.satisfaction,
        recovered.recovery_index,
        recovered.recovery_index_low,
        recovered.recovery_index_high,
        quality.qa_score,
        coalesce(recovered.cases, 0) as cases,
        coalesce(worked.attempts, 0) as attempts,
        coalesce(worked.contacts, 0) as contacts,
        coalesce(worked.right_party_contacts, 0) as right_party_contacts,
        coalesce(promised.promises, 0) as promises,
        coalesce(promised.promises_kept, 0) as promises_kept,
        coalesce(promised.promises_matured, 0) as promises_matured,
        coalesce(promised.amount_promised, 0) as amount_promised,
        coalesce(promised.amount_kept, 0) as amount_kept,
        coalesce(recovered.amount_recovered, 0) as amount_recovered,
        coalesce(recovered.expected_recovery, 0) as expected_recovery,
        case when worked.attempts is null then 0 else worked.cost end as cost,
        coalesce(worked.talk_seconds, 0) as talk_seconds,
        coalesce(quality.reviews, 0) as reviews,
        coalesce(worked.breaches, 0) + coalesce(quality.breaches, 0) as breaches,
        coalesce(complaint_counts.complaints, 0) as complaints
    from keys
    {% for part in ['worked', 'promised', 'recovered', 'quality', 'complaint_counts'] -%}
    left join {{ part }}
        on
            keys.channel = {{ part }}.channel
            and keys.vendor = {{ part }}.vendor
            and keys.tier = {{ part }}.tier
            and keys.month = {{ part }}.month
            and keys.currency = {{ part }}.currency
    {% endfor %}
)

select
    channel,
    vendor,
    tier,
    month,
    currency,
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
    satisfaction
from joined

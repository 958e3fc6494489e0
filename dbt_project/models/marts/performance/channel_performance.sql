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

payments as (
    select * from {{ ref('int_payments__attributed') }}
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
        count(*) filter (where is_outside_window or is_after_stop) as breaches,
        count(*) filter (where is_complaint) as complaints
    from attempts
    group by channel, vendor, tier, attempted_month, currency
),

-- The tier of a promise is that of the attempt in which it was made.
promised as (
    select
        promises.channel,
        promises.vendor,
        made.tier,
        cast(date_trunc('month', promises.promised_on) as date) as month,
        promises.currency,
        count(*) as promises,
        count(*) filter (where promises.status = 'kept') as promises_kept,
        count(*) filter (where promises.status <> 'open') as promises_matured,
        sum(promises.amount) as amount_promised,
        sum(least(promises.amount, promises.paid_amount)) as amount_kept
    from promises
    inner join promise_facts on promises.promise_id = promise_facts.promise_id
    inner join attempts as made
        on
            promise_facts.batch_id = made.batch_id
            and promise_facts.contact_ref = made.contact_ref
            and promise_facts.occurred_at = made.attempted_at
            and promises.due_on = made.promise_on
    group by promises.channel, promises.vendor, made.tier, date_trunc('month', promises.promised_on), promises.currency
),

recovered as (
    select
        channel,
        vendor,
        paid_month as month,
        currency,
        coalesce(tier, 'unknown') as tier,
        sum(amount) as amount_recovered
    from payments
    where
        channel is not null
        and vendor is not null
    group by channel, vendor, coalesce(tier, 'unknown'), paid_month, currency
),

keys as (
    select
        channel,
        vendor,
        tier,
        month,
        currency
    from worked
    union distinct
    select
        channel,
        vendor,
        tier,
        month,
        currency
    from promised
    union distinct
    select
        channel,
        vendor,
        tier,
        month,
        currency
    from recovered
),

joined as (
    select
        keys.channel,
        keys.vendor,
        keys.tier,
        keys.month,
        keys.currency,
        worked.satisfaction,
        coalesce(worked.attempts, 0) as attempts,
        coalesce(worked.contacts, 0) as contacts,
        coalesce(worked.right_party_contacts, 0) as right_party_contacts,
        coalesce(promised.promises, 0) as promises,
        coalesce(promised.promises_kept, 0) as promises_kept,
        coalesce(promised.promises_matured, 0) as promises_matured,
        coalesce(promised.amount_promised, 0) as amount_promised,
        coalesce(promised.amount_kept, 0) as amount_kept,
        coalesce(recovered.amount_recovered, 0) as amount_recovered,
        case when worked.attempts is null then 0 else worked.cost end as cost,
        coalesce(worked.talk_seconds, 0) as talk_seconds,
        coalesce(worked.breaches, 0) as breaches,
        coalesce(worked.complaints, 0) as complaints
    from keys
    left join worked
        on
            keys.channel = worked.channel
            and keys.vendor = worked.vendor
            and keys.tier = worked.tier
            and keys.month = worked.month
            and keys.currency = worked.currency
    left join promised
        on
            keys.channel = promised.channel
            and keys.vendor = promised.vendor
            and keys.tier = promised.tier
            and keys.month = promised.month
            and keys.currency = promised.currency
    left join recovered
        on
            keys.channel = recovered.channel
            and keys.vendor = recovered.vendor
            and keys.tier = recovered.tier
            and keys.month = recovered.month
            and keys.currency = recovered.currency
)

select
    channel,
    vendor,
    tier,
    month,
    currency,
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
    cast(cost as numeric(18, 4)) as cost,
    {{ rate('cost', 'amount_recovered') }} as cost_per_unit_recovered,
    cast(talk_seconds as bigint) as talk_seconds,
    cast(breaches as integer) as breaches,
    cast(complaints as integer) as complaints,
    satisfaction
from joined

-- depends_on: {{ ref('int_builds__horizon') }}
{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_followed() }}") }}

{%- set followed_steps = [
    ('delivered', 'true', 'arrears_amount'),
    ('contacted', 'is_contacted', 'arrears_amount'),
    ('promised', 'is_promised', 'promised_amount'),
    ('kept', 'is_kept', 'kept_amount'),
    ('recovered', 'recovered_amount > 0', 'recovered_amount'),
] -%}
{%- set grain = 'as_of, product, jurisdiction, tier, currency' %}

with decisions as (
    select * from {{ ref('fct_contact_decision') }}
    where as_of = {{ as_of_date() }}
),

ledger as (
    select * from {{ ref('int_customers__contact_decision') }}
    where {{ is_followed('as_of') }}
),

plans as (
    select * from {{ ref('stg_vendor__plan') }}
    where
        state in ('uploaded', 'acknowledged', 'closed')
        and {{ is_followed('as_of') }}
),

attempts as (
    select * from {{ ref('fct_contact_attempt') }}
    where {{ is_followed('as_of') }}
),

promise_facts as (
    select * from {{ ref('int_customers__promise') }}
),

promises as (
    select * from {{ ref('fct_promise') }}
),

payments as (
    select * from {{ ref('int_payments__attributed') }}
    where contact_ref is not null
),

contacted as (
    select
        batch_id,
        contact_ref,
        bool_or(is_contact) as is_contacted
    from attempts
    group by batch_id, contact_ref
),

promised as (
    select
        promise_facts.batch_id,
        promise_facts.contact_ref,
        bool_or(promises.status = 'kept') as is_kept,
        sum(promises.amount) as promised_amount,
        sum(
            case when promises.status = 'kept' then least(promises.amount, promises.paid_amount) else 0 end
        ) as kept_amount
    from promises
    inner join promise_facts on promises.promise_id = promise_facts.promise_id
    where promise_facts.contact_ref is not null
    group by promise_facts.batch_id, promise_facts.contact_ref
),

recovered as (
    select
        contact_ref,
        sum(amount) as recovered_amount
    from payments
    group by contact_ref
),

-- Rows of lists that left, with what followed. A reference belongs to one batch.
followed as (
    select
        plans.as_of,
        plans.customer_id,
        plans.channel,
        plans.vendor,
        plans.currency,
        ledger.product,
        ledger.jurisdiction,
        ledger.tier,
        ledger.arrears_amount,
        coalesce(contacted.is_contacted, false) as is_contacted,
        promised.contact_ref is not null as is_promised,
        coalesce(promised.is_kept, false) as is_kept,
        coalesce(promised.promised_amount, 0) as promised_amount,
        coalesce(promised.kept_amount, 0) as kept_amount,
        coalesce(recovered.recovered_amount, 0) as recovered_amount
    from plans
    inner join ledger
        on
            plans.as_of = ledger.as_of
            and plans.channel = ledger.channel
            and plans.customer_id = ledger.customer_id
            and plans.currency = ledger.currency
    left join contacted
        on
            plans.batch_id = contacted.batch_id
            and plans.contact_ref = contacted.contact_ref
    left join promised
        on
            plans.batch_id = promised.batch_id
            and plans.contact_ref = promised.contact_ref
    left join recovered on plans.contact_ref = recovered.contact_ref
),

-- Every step of every row, reached or not: a step that nobody reached is 0, and not missing.
steps as (
    {% for step, is_reached in [('scope', 'true'), ('decided', "decision = 'contact'")] -%}
    select
        {{ grain }},
        channel,
        vendor,
        customer_id,
        {{ loop.index }} as position,
        '{{ step }}' as step,
        case when {{ is_reached }} then 1 else 0 end as reached,
        case when {{ is_reached }} then arrears_amount else 0 end as amount
    from decisions
    union all
    {% endfor -%}
    {% for step, is_reached, amount in followed_steps -%}
    select
        {{ grain }},
        channel,
        vendor,
        customer_id,
        {{ loop.index + 2 }} as position,
        '{{ step }}' as step,
        case when {{ is_reached }} then 1 else 0 end as reached,
        case when {{ is_reached }} then {{ amount }} else 0 end as amount
    from followed
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

-- Over all channels a customer and what he owes count once; what he promised and paid is the sum.
customers as (
    select
        {{ grain }},
        customer_id,
        position,
        step,
        max(reached) as reached,
        case when position > 4 then sum(amount) else max(amount) end as amount
    from steps
    group by {{ grain }}, customer_id, position, step
),

counted as (
    select
        {{ grain }},
        channel,
        vendor,
        position,
        step,
        reached,
        amount
    from steps
    union all
    select
        {{ grain }},
        'all' as channel,
        'all' as vendor,
        position,
        step,
        reached,
        amount
    from customers
),

named as (
    select
        as_of,
        channel,
        tier,
        currency,
        position,
        step,
        reached,
        amount,
        coalesce(vendor, 'none') as vendor,
        coalesce(product, 'unknown') as product,
        coalesce(jurisdiction, 'unknown') as jurisdiction
    from counted
)

select
    as_of,
    channel,
    vendor,
    product,
    jurisdiction,
    tier,
    currency,
    position,
    step,
    cast(sum(reached) as bigint) as cases,
    cast(sum(amount) as numeric(18, 2)) as amount
from named
group by as_of, channel, vendor, product, jurisdiction, tier, currency, position, step

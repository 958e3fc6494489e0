-- depends_on: {{ ref('int_builds__horizon') }}
{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_followed() }}") }}

{#- Of each source its steps: name, which rows reach it, their amount, and how that adds up over a customer's rows. -#}
{%- set steps = {
    'decisions': [
        ('scope', 'true', 'arrears_amount', 'max'),
        ('decided', "decision = 'contact'", 'arrears_amount', 'max'),
    ],
    'followed': [
        ('delivered', 'true', 'arrears_amount', 'max'),
        ('contacted', 'is_contacted', 'arrears_amount', 'max'),
        ('promised', 'is_promised', 'promised_amount', 'sum'),
        ('kept', 'is_kept', 'kept_amount', 'sum'),
        ('recovered', 'recovered_amount > 0', 'recovered_amount', 'sum'),
    ],
} -%}
{%- set order = (steps['decisions'] + steps['followed']) | map('first') | list -%}
{%- set grain = 'as_of, product, jurisdiction, tier, currency' -%}

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

{{ count_steps('decisions', steps['decisions'], grain) }},

{{ count_steps('followed', steps['followed'], grain) }},

-- A row for each step, reached or not: one that nobody reached is 0, and not missing.
named as (
    {% for source in ['decisions', 'followed'] -%}
    {% set is_last_source = loop.last -%}
    {% for step, _, _, _ in steps[source] -%}
    select
        as_of,
        channel,
        tier,
        currency,
        {{ order.index(step) + 1 }} as position,
        '{{ step }}' as step,
        {{ step }}_cases as cases,
        {{ step }}_amount as amount,
        coalesce(vendor, 'none') as vendor,
        coalesce(product, 'unknown') as product,
        coalesce(jurisdiction, 'unknown') as jurisdiction
    from {{ source }}_counted
    {{ 'union all' if not (is_last_source and loop.last) }}
    {% endfor -%}
    {% endfor %}
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
    cast(sum(cases) as bigint) as cases,
    cast(coalesce(sum(amount), 0) as numeric(18, 2)) as amount
from named
group by as_of, channel, vendor, product, jurisdiction, tier, currency, position, step

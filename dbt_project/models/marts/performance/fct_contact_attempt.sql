{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='result_id',
    on_schema_change='append_new_columns',
    pre_hook="{{ delete_gone('result_id', ref('stg_vendor__result')) }}",
) }}

{#-
    What an attempt is besides the decision behind it. That is looked up for those alone that are new or changed: a day whose
    lists left keeps its decisions. A new column that follows from them asks for a `--full-refresh`.
-#}
{%- set said = [
    'batch_id', 'contact_ref', 'customer_id', 'channel', 'vendor', 'collector_id', 'as_of', 'attempted_at',
    'attempted_month', 'disposition', 'is_contact', 'is_right_party', 'is_promise', 'nonpayment_reason', 'talk_seconds',
    'promise_amount', 'promise_on', 'amount_collected', 'cost', 'currency', 'is_complaint', 'satisfaction',
    'recording_ref', 'stopped_at', 'is_after_stop',
] -%}

with results as (
    select * from {{ ref('stg_vendor__result') }}
),

dispositions as (
    select * from {{ ref('dispositions') }}
),

vendors as (
    select * from {{ ref('vendors') }}
),

decisions as (
    select * from {{ ref('int_customers__contact_decision') }}
),

stops as (
    select * from {{ source('ops', 'stopped_row') }}
    where {{ is_known('stopped_at') }}
),

attempts as (
    select
        results.result_id,
        results.batch_id,
        results.contact_ref,
        results.customer_id,
        results.channel,
        results.vendor,
        results.collector_id,
        results.as_of,
        results.attempted_at,
        cast(date_trunc('month', results.attempted_at at time zone {{ bank_time_zone() }}) as date) as attempted_month,
        results.disposition,
        coalesce(dispositions.is_contact, false) as is_contact,
        coalesce(dispositions.is_right_party, false) as is_right_party,
        coalesce(dispositions.is_promise, false) as is_promise,
        results.nonpayment_reason,
        results.talk_seconds,
        results.promise_amount,
        results.promise_on,
        results.amount_collected,
        -- What the vendor charged, or what it charges by contract where it does not say: known in one currency only.
        cast(
            coalesce(results.cost, case when results.currency = vendors.currency then vendors.cost_per_attempt end)
            as numeric(18, 4)
        ) as cost,
        results.currency,
        results.is_complaint,
        results.satisfaction,
        results.recording_ref,
        stops.stopped_at,
        coalesce(results.attempted_at > stops.stopped_at, false) as is_after_stop
    from results
    left join dispositions on results.disposition = dispositions.disposition
    left join vendors
        on
            results.vendor = vendors.vendor
            and results.channel = vendors.channel
    left join stops
        on
            results.batch_id = stops.batch_id
            and results.contact_ref = stops.contact_ref
),

changed as (
    select attempts.*
    from attempts
    {% if is_incremental() -%}
    left join {{ this }} as kept on attempts.result_id = kept.result_id
    where
        kept.result_id is null
        {% for name in said -%}
        or attempts.{{ name }} is distinct from kept.{{ name }}
        {% endfor %}
    {%- endif %}
)

select
    changed.*,
    coalesce(decisions.tier, 'unknown') as tier,
    coalesce(
        changed.attempted_at < decisions.window_start or changed.attempted_at > decisions.window_end, false
    ) as is_outside_window
from changed
left join decisions
    on
        changed.as_of = decisions.as_of
        and changed.channel = decisions.channel
        and changed.customer_id = decisions.customer_id
        and changed.currency = decisions.currency

{{ config(
    materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}",
    on_schema_change='append_new_columns'
) }}

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
)

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
    coalesce(decisions.tier, 'unknown') as tier,
    coalesce(
        results.attempted_at < decisions.window_start or results.attempted_at > decisions.window_end, false
    ) as is_outside_window,
    stops.stopped_at,
    coalesce(results.attempted_at > stops.stopped_at, false) as is_after_stop
from results
left join dispositions on results.disposition = dispositions.disposition
left join vendors
    on
        results.vendor = vendors.vendor
        and results.channel = vendors.channel
left join decisions
    on
        results.as_of = decisions.as_of
        and results.channel = decisions.channel
        and results.customer_id = decisions.customer_id
        and results.currency = decisions.currency
left join stops
    on
        results.batch_id = stops.batch_id
        and results.contact_ref = stops.contact_ref

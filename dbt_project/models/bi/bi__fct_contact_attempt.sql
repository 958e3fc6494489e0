{{ config(materialized='view', schema='bi', alias='fct_contact_attempt') }}

with mart as (
    select * from {{ ref('fct_contact_attempt') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.result_id,
    mart.batch_id,
    mart.channel,
    mart.vendor,
    mart.collector_id,
    mart.as_of,
    mart.attempted_at,
    mart.attempted_month,
    mart.disposition,
    mart.is_contact,
    mart.is_right_party,
    mart.is_promise,
    mart.nonpayment_reason,
    mart.talk_seconds,
    mart.promise_amount,
    mart.promise_on,
    mart.amount_collected,
    mart.cost,
    mart.currency,
    mart.is_complaint,
    mart.satisfaction,
    mart.tier,
    mart.is_outside_window,
    mart.stopped_at,
    mart.is_after_stop,
    {{ pseudonym('mart.customer_id') }} as customer_key
from mart
cross join salt

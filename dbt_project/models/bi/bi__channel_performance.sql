{{ config(materialized='view', schema='bi', alias='channel_performance') }}

with mart as (
    select * from {{ ref('channel_performance') }}
)

select
    mart.channel,
    mart.vendor,
    mart.tier,
    mart.month,
    mart.currency,
    mart.cases,
    mart.attempts,
    mart.contacts,
    mart.right_party_contacts,
    mart.promises,
    mart.promises_kept,
    mart.contact_rate,
    mart.right_party_rate,
    mart.promise_rate,
    mart.promise_kept_rate,
    mart.amount_promised,
    mart.amount_kept,
    mart.amount_recovered,
    mart.expected_recovery,
    mart.recovery_index,
    mart.recovery_index_low,
    mart.recovery_index_high,
    mart.cost,
    mart.cost_per_unit_recovered,
    mart.talk_seconds,
    mart.qa_score,
    mart.reviews,
    mart.breaches,
    mart.complaints,
    mart.satisfaction
from mart

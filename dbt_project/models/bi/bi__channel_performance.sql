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
    mart.cost,
    mart.cost_per_unit_recovered,
    mart.talk_seconds,
    mart.breaches,
    mart.complaints,
    mart.satisfaction
from mart

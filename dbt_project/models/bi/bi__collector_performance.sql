{{ config(materialized='view', schema='bi', alias='collector_performance') }}

with mart as (
    select * from {{ ref('collector_performance') }}
)

select
    mart.collector_id,
    mart.month,
    mart.currency,
    mart.channel,
    mart.vendor,
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
    mart.satisfaction,
    mart.training_overdue,
    mart.coaching_topic,
    mart.coaching_evidence
from mart

{{ config(materialized='view', schema='bi', alias='fct_contact_decision') }}

with mart as (
    select * from {{ ref('fct_contact_decision') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.as_of,
    mart.channel,
    mart.currency,
    mart.vendor,
    mart.all_reasons,
    mart.decision,
    mart.reason_code,
    mart.policy_id,
    mart.policy_version,
    mart.tier,
    mart.product,
    mart.jurisdiction,
    mart.days_past_due,
    mart.arrears_amount,
    mart.priority,
    mart.expected_value,
    mart.experiment,
    mart.arm,
    mart.window_start,
    mart.window_end,
    mart.batch_id,
    mart.attempts,
    mart.template_or_offer,
    mart.requires,
    {{ pseudonym('mart.customer_id') }} as customer_key
from mart
cross join salt

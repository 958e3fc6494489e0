{{ config(materialized='view', schema='bi', alias='customer_care') }}

with mart as (
    select * from {{ ref('customer_care') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.as_of,
    mart.satisfaction,
    mart.satisfaction_answers,
    mart.right_party_contacts,
    mart.satisfaction_answer_rate,
    mart.complaints,
    mart.complaints_open,
    mart.complaints_upheld,
    mart.hardship_state,
    mart.plan_kept,
    mart.last_contact_on,
    {{ pseudonym('mart.customer_id') }} as customer_key
from mart
cross join salt

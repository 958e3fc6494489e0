{{ config(materialized='view', schema='bi', alias='hardship_candidates') }}

with mart as (
    select * from {{ ref('hardship_candidates') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.as_of,
    mart.currency,
    mart.reason,
    mart.owed_amount,
    mart.present_instalment,
    mart.offer_code,
    mart.offer_term_months,
    mart.offer_instalment,
    mart.offer_last_instalment,
    mart.offer_total,
    mart.affordability,
    {{ pseudonym('mart.customer_id') }} as customer_key
from mart
cross join salt

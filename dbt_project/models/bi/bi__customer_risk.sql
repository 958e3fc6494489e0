{{ config(materialized='view', schema='bi', alias='customer_risk') }}

with mart as (
    select * from {{ ref('customer_risk') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.as_of,
    mart.behaviour_score,
    mart.bureau_score_age_days,
    mart.is_bureau_score_due,
    round(mart.affordability, 1) as affordability,
    {{ pseudonym('mart.customer_id') }} as customer_key
from mart
cross join salt

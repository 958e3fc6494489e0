{{ config(materialized='view', schema='bi', alias='fct_early_warning') }}

with mart as (
    select * from {{ ref('fct_early_warning') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.as_of,
    mart.product,
    mart.jurisdiction,
    mart.currency,
    mart.tier,
    mart.outstanding_principal,
    mart.score,
    mart.probability_30dpd_90d,
    mart.band,
    mart.top_reasons,
    mart.model_version,
    {{ pseudonym('mart.loan_id') }} as loan_key,
    {{ pseudonym('mart.customer_id') }} as customer_key
from mart
cross join salt

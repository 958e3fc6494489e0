{{ config(materialized='view', schema='bi', alias='fct_legal_case') }}

with mart as (
    select * from {{ ref('fct_legal_case') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.batch_id,
    mart.currency,
    mart.vendor,
    mart.referred_on,
    mart.filed_on,
    mart.settled_on,
    mart.returned_on,
    mart.state,
    mart.days_past_due,
    mart.arrears_amount,
    mart.cost,
    mart.recovered,
    {{ array_size('mart.approved_by') }} as approvers,
    {{ pseudonym('mart.contact_ref') }} as case_key,
    {{ pseudonym('mart.customer_id') }} as customer_key
from mart
cross join salt

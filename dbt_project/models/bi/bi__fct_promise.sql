{{ config(materialized='view', schema='bi', alias='fct_promise') }}

with mart as (
    select * from {{ ref('fct_promise') }}
),

salt as (
    select * from {{ ref('int_bi__salt') }}
)

select
    mart.collector_id,
    mart.vendor,
    mart.channel,
    mart.currency,
    mart.promised_on,
    mart.due_on,
    mart.amount,
    mart.paid_amount,
    mart.status,
    {{ pseudonym('mart.promise_id') }} as promise_key,
    {{ pseudonym('mart.customer_id') }} as customer_key
from mart
cross join salt

{{ config(materialized='view', schema='bi', alias='fct_cure_rate') }}

with mart as (
    select * from {{ ref('fct_cure_rate') }}
)

select
    mart.month,
    mart.from_tier,
    mart.product,
    mart.currency,
    mart.loans,
    mart.cured,
    mart.rescheduled,
    mart.closed,
    mart.written_off,
    mart.still_delinquent,
    mart.outstanding_principal,
    mart.cured_principal,
    mart.cure_rate,
    mart.cure_rate_by_amount,
    mart.relapsed_1m,
    mart.relapsed_3m,
    mart.relapse_rate_1m,
    mart.relapse_rate_3m
from mart

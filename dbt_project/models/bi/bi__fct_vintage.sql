{{ config(materialized='view', schema='bi', alias='fct_vintage') }}

with mart as (
    select * from {{ ref('fct_vintage') }}
)

select
    mart.disbursement_month,
    mart.months_on_book,
    mart.product,
    mart.currency,
    mart.loans,
    mart.ever_30,
    mart.ever_60,
    mart.ever_90,
    mart.written_off,
    mart.principal,
    mart.written_off_principal,
    mart.cumulative_loss_rate
from mart

{{ config(materialized='view', schema='bi', alias='dim_vendor') }}

with mart as (
    select * from {{ ref('dim_vendor') }}
)

select
    mart.vendor,
    mart.channel,
    mart.format,
    mart.is_encrypted,
    mart.daily_capacity,
    mart.cost_per_attempt,
    mart.currency,
    mart.acknowledges_stop,
    mart.cut_off
from mart

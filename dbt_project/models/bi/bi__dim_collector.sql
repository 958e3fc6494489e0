{{ config(materialized='view', schema='bi', alias='dim_collector') }}

with mart as (
    select * from {{ ref('dim_collector') }}
)

select
    mart.collector_id,
    mart.vendor,
    mart.channel,
    mart.grade,
    mart.hired_on,
    mart.left_on
from mart

{{ config(materialized='view', schema='bi', alias='dim_channel') }}

with mart as (
    select * from {{ ref('dim_channel') }}
)

select
    mart.channel,
    mart.name,
    mart.position,
    mart.medium
from mart

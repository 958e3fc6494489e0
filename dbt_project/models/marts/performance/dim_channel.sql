{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with channels as (
    select * from {{ ref('channels') }}
)

select
    channel,
    name,
    position,
    medium
from channels

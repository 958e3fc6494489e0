{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with vendors as (
    select * from {{ ref('vendors') }}
)

select
    vendor,
    channel,
    format,
    daily_capacity,
    cost_per_attempt,
    currency,
    acknowledges_stop,
    cut_off,
    encryption_key is not null as is_encrypted
from vendors

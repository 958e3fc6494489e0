{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with collectors as (
    select * from {{ ref('stg_core_banking__collectors') }}
)

select
    collector_id,
    vendor,
    channel,
    display_name,
    grade,
    hired_on,
    left_on
from collectors

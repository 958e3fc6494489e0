{{ config(materialized='view', schema='bi', alias='complaints_monthly') }}

with mart as (
    select * from {{ ref('complaints_monthly') }}
)

select
    month,
    channel,
    category,
    received,
    upheld,
    decided,
    upheld_rate,
    open,
    responded,
    median_response_days,
    median_closing_days,
    contacts,
    upheld_per_10000_contacts
from mart

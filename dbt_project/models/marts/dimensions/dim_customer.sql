{{ config(materialized='view') }}

with customers as (
    select * from {{ ref('stg_core_banking__customers') }}
)

select
    customer_id,
    full_name,
    given_name,
    sex,
    date_of_birth,
    language,
    time_zone,
    jurisdiction,
    city,
    segment,
    employment_status,
    monthly_income,
    credit_score,
    credit_score_on
from customers

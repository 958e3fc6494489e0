{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_day() }}",
) }}

with loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

tiers as (
    select * from {{ ref('int_policy__tiers') }}
)

select
    loans.as_of,
    loans.tier,
    loans.product,
    loans.jurisdiction,
    loans.currency,
    tiers.rank,
    tiers.dpd_from,
    tiers.dpd_to,
    cast(sum(loans.arrears_amount) as numeric(18, 2)) as arrears_amount,
    cast(sum(loans.outstanding_principal) as numeric(18, 2)) as outstanding_principal,
    count(*) as loans,
    count(distinct loans.customer_id) as customers
from loans
inner join tiers
    on
        loans.jurisdiction = tiers.jurisdiction
        and loans.product = tiers.product
        and loans.tier = tiers.tier
        and loans.as_of >= tiers.valid_from
        and loans.as_of < tiers.valid_to
group by
    loans.as_of,
    loans.tier,
    loans.product,
    loans.jurisdiction,
    loans.currency,
    tiers.rank,
    tiers.dpd_from,
    tiers.dpd_to

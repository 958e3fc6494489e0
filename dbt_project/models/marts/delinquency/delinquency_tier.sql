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
),

-- Customer by customer first: to count them among the loans of a tier, all loans would have to be sorted.
held as (
    select
        as_of,
        tier,
        product,
        jurisdiction,
        currency,
        customer_id,
        sum(arrears_amount) as arrears_amount,
        sum(outstanding_principal) as outstanding_principal,
        count(*) as loans
    from loans
    group by as_of, tier, product, jurisdiction, currency, customer_id
)

select
    held.as_of,
    held.tier,
    held.product,
    held.jurisdiction,
    held.currency,
    tiers.rank,
    tiers.dpd_from,
    tiers.dpd_to,
    cast(sum(held.arrears_amount) as numeric(18, 2)) as arrears_amount,
    cast(sum(held.outstanding_principal) as numeric(18, 2)) as outstanding_principal,
    cast(sum(held.loans) as bigint) as loans,
    count(*) as customers
from held
inner join tiers
    on
        held.jurisdiction = tiers.jurisdiction
        and held.product = tiers.product
        and held.tier = tiers.tier
        and held.as_of >= tiers.valid_from
        and held.as_of < tiers.valid_to
group by
    held.as_of,
    held.tier,
    held.product,
    held.jurisdiction,
    held.currency,
    tiers.rank,
    tiers.dpd_from,
    tiers.dpd_to

-- The marts speak of the same loans: those new in a month are the cohort of that month, and those that a month finds in
-- a tier of late loans are those that it may cure.
with rates as (
    select * from {{ ref('fct_roll_rate') }}
),

vintages as (
    select * from {{ ref('fct_vintage') }}
    where months_on_book = 0
),

cures as (
    select * from {{ ref('fct_cure_rate') }}
),

late_tiers as (
    select tier
    from {{ ref('delinquency_tier_month_end') }}
    group by tier
    having min(dpd_from) > 0
),

counted as (
    select
        month,
        'new' as tier,
        product,
        currency,
        loans
    from rates
    where from_tier = 'new'
    union all
    select
        disbursement_month as month,
        'new' as tier,
        product,
        currency,
        -loans as loans
    from vintages
    union all
    select
        month,
        from_tier as tier,
        product,
        currency,
        loans
    from rates
    where from_tier in (select late_tiers.tier from late_tiers)
    union all
    select
        month,
        from_tier as tier,
        product,
        currency,
        -loans as loans
    from cures
    where from_tier in (select late_tiers.tier from late_tiers)
)

select
    month,
    tier,
    product,
    currency,
    sum(loans) as difference
from counted
group by month, tier, product, currency
having sum(loans) <> 0

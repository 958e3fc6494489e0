-- What a month leaves in a tier is what the next one finds there: loans and principal. Nothing is lost between months.
with rates as (
    select * from {{ ref('fct_roll_rate') }}
),

compared as (
    select
        {{ add_months('rates.month', 1) }} as month,
        rates.to_tier as tier,
        rates.product,
        rates.currency,
        rates.loans,
        rates.closing_principal as principal
    from rates
    where
        rates.to_tier <> 'closed'
        and rates.month < (select max(newest.month) from rates as newest)
    union all
    select
        rates.month,
        rates.from_tier as tier,
        rates.product,
        rates.currency,
        -rates.loans as loans,
        -rates.outstanding_principal as principal
    from rates
    where rates.from_tier <> 'new'
)

select
    month,
    tier,
    product,
    currency,
    sum(loans) as loans,
    sum(principal) as principal
from compared
group by month, tier, product, currency
having sum(loans) <> 0 or sum(principal) <> 0

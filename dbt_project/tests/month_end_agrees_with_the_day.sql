-- A month's end says what the day says, where the day that was just built is a month's end. delinquency_tier is no ref
-- here, or a build of days without months would run this test; delinquency_tier_month_end waits for it.
with month_ends as (
    select * from {{ ref('delinquency_tier_month_end') }}
),

days as (
    select * from {{ generate_schema_name('marts', none) }}.delinquency_tier
),

compared as (
    select
        tier,
        product,
        jurisdiction,
        currency,
        loans,
        arrears_amount,
        outstanding_principal
    from month_ends
    where month_end = {{ as_of_date() }}
    union all
    select
        tier,
        product,
        jurisdiction,
        currency,
        -loans as loans,
        -arrears_amount as arrears_amount,
        -outstanding_principal as outstanding_principal
    from days
    where
        as_of = {{ as_of_date() }}
        and as_of = {{ month_end_of(as_of_date()) }}
)

select
    tier,
    product,
    jurisdiction,
    currency,
    sum(loans) as loans,
    sum(arrears_amount) as arrears_amount,
    sum(outstanding_principal) as outstanding_principal
from compared
group by tier, product, jurisdiction, currency
having sum(loans) <> 0 or sum(arrears_amount) <> 0 or sum(outstanding_principal) <> 0

-- Tiers and currencies of which another number of loans or other amounts were published than the rebuild finds.
with published as (
    select
        tier,
        currency,
        min(rank) as rank,
        sum(loans) as loans,
        sum(arrears_amount) as arrears_amount,
        sum(outstanding_principal) as outstanding_principal
    from marts.delinquency_tier
    where as_of = %(as_of)s
    group by tier, currency
),

rebuilt as (
    select
        tier,
        currency,
        min(rank) as rank,
        sum(loans) as loans,
        sum(arrears_amount) as arrears_amount,
        sum(outstanding_principal) as outstanding_principal
    from rebuild_marts.delinquency_tier
    group by tier, currency
)

select
    tier,
    currency,
    coalesce(published.loans, 0)::bigint,
    coalesce(rebuilt.loans, 0)::bigint,
    coalesce(published.arrears_amount, 0.00),
    coalesce(rebuilt.arrears_amount, 0.00),
    coalesce(published.outstanding_principal, 0.00),
    coalesce(rebuilt.outstanding_principal, 0.00)
from published
full join rebuilt using (tier, currency)
where
    (published.loans, published.arrears_amount, published.outstanding_principal)
    is distinct from (rebuilt.loans, rebuilt.arrears_amount, rebuilt.outstanding_principal)
order by coalesce(published.rank, rebuilt.rank), tier, currency

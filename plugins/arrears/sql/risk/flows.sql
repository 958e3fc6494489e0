-- What loans did from month end to month end, by what is known now: one row per month, product, currency and way.
-- Ranks are those of the tiers now in force; a loan that came or went has none.
with ranks as (
    select
        tier,
        min(rank) as rank
    from intermediate.int_policy__tiers
    group by tier
)

select
    flows.month,
    flows.product,
    flows.currency,
    flows.opening_state as from_tier,
    flows.state as to_tier,
    coalesce(min(come_from.rank), 0) as from_rank,
    coalesce(min(gone_to.rank), 0) as to_rank,
    sum(flows.loans) as loans,
    sum(flows.opening_principal) as opening_principal,
    sum(flows.outstanding_principal) as closing_principal
from intermediate.int_portfolio__flows as flows
left join ranks as come_from on flows.opening_state = come_from.tier
left join ranks as gone_to on flows.state = gone_to.tier
group by flows.month, flows.product, flows.currency, flows.opening_state, flows.state
order by flows.month, flows.product, flows.currency, flows.opening_state, flows.state

-- Why who was in scope of a day is not contacted: decisions by their first reason and channel. What a build summed up is read
-- from there, which is a hundredth of the ledger. Only approvals of legal referrals change a decision after its build; and
-- days before there were such sums have none.
with summed as (
    select
        daily.reason_code,
        daily.channel,
        sum(daily.decisions) as decisions
    from bi.contact_decision_daily as daily
    where daily.as_of = %(day)s and daily.channel <> 'legal' and daily.decision = 'suppress'
    group by daily.reason_code, daily.channel
)

select
    reason_code,
    channel,
    decisions
from summed
union all
select
    decision.reason_code,
    decision.channel,
    count(*) as decisions
from bi.fct_contact_decision as decision
where decision.as_of = %(day)s and decision.channel = 'legal' and decision.decision = 'suppress'
group by decision.reason_code, decision.channel
union all
select
    decision.reason_code,
    decision.channel,
    count(*) as decisions
from bi.fct_contact_decision as decision
where
    decision.as_of = %(day)s
    and decision.channel <> 'legal'
    and decision.decision = 'suppress'
    and not exists (select from summed)
group by decision.reason_code, decision.channel

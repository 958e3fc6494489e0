-- Why who was in scope of a day is not contacted: decisions by their first reason and channel.
select
    decision.reason_code,
    decision.channel,
    count(*) as decisions
from bi.fct_contact_decision as decision
where decision.as_of = %(day)s
group by decision.reason_code, decision.channel

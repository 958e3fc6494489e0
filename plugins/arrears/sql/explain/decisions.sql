-- The ledger of the day for one customer. The channels are values, so that the key of the ledger leads to the rows.
select
    decision.channel,
    channel.medium,
    decision.currency,
    decision.decision,
    decision.reason_code,
    decision.all_reasons,
    decision.policy_id,
    decision.policy_version,
    decision.tier,
    decision.days_past_due,
    decision.arrears_amount,
    decision.vendor,
    decision.priority,
    decision.expected_value,
    decision.experiment,
    decision.arm,
    decision.contact_customer_id,
    decision.contact_point_id,
    decision.window_start,
    decision.window_end,
    decision.attempts,
    decision.template_or_offer,
    decision.requires,
    decision.batch_id,
    proposal.tone,
    proposal.amount_due,
    proposal.due_date,
    proposal.loan_ids
from marts.fct_contact_decision as decision
inner join intermediate.int_customers__contact_decision as proposal
    on
        decision.as_of = proposal.as_of
        and decision.channel = proposal.channel
        and decision.customer_id = proposal.customer_id
        and decision.currency = proposal.currency
inner join staging.channels as channel on decision.channel = channel.channel
where
    decision.as_of = %(as_of)s
    and decision.channel = any(%(channels)s)
    and decision.customer_id = %(customer_id)s
    and proposal.as_of = %(as_of)s
    and proposal.channel = any(%(channels)s)
    and proposal.customer_id = %(customer_id)s
order by decision.currency, channel.position

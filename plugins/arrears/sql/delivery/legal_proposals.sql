select
    decision.customer_id,
    decision.currency,
    referral.contract_no,
    decision.vendor,
    decision.tier,
    decision.days_past_due,
    decision.arrears_amount,
    count(distinct approval.approver) as approvals
from marts.fct_contact_decision as decision
inner join intermediate.int_contact_list__legal as referral
    on
        decision.as_of = referral.as_of
        and decision.customer_id = referral.customer_id
        and decision.currency = referral.currency
left join ops.legal_approval as approval
    on
        decision.as_of = approval.as_of
        and decision.customer_id = approval.customer_id
        and decision.currency = approval.currency
        and approval.generation = (select max(generation) from ops.source_generation)
where
    decision.as_of = %(as_of)s
    and decision.channel = 'legal'
    and decision.reason_code = 'NOT_APPROVED'
group by
    decision.customer_id,
    decision.currency,
    referral.contract_no,
    decision.vendor,
    decision.tier,
    decision.days_past_due,
    decision.arrears_amount
having coalesce(bool_and(approval.is_approved), true) and count(distinct approval.approver) < 2
order by decision.customer_id collate "C", decision.currency collate "C"

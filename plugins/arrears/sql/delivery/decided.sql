-- What was decided for a list, read afresh, under the names of the file's own columns. A contact point that is not of the
-- person to be reached has no value.
select
    decision.customer_id,
    decision.currency,
    decision.window_start,
    decision.window_end,
    ledger.amount_due,
    decision.arrears_amount,
    ledger.outstanding_principal as outstanding,
    decision.days_past_due,
    decision.attempts as attempts_left,
    point.value as address,
    regexp_replace(point.value, '[^0-9+]', '', 'g') as phone,
    regexp_replace(alternate.value, '[^0-9+]', '', 'g') as alternate_phone
from marts.fct_contact_decision as decision
inner join intermediate.int_customers__contact_decision as ledger
    on
        decision.as_of = ledger.as_of
        and decision.customer_id = ledger.customer_id
        and decision.channel = ledger.channel
        and decision.currency = ledger.currency
left join staging.stg_core_banking__contact_points as point
    on decision.contact_point_id = point.contact_point_id and decision.contact_customer_id = point.customer_id
left join staging.stg_core_banking__contact_points as alternate
    on
        ledger.alternate_contact_point_id = alternate.contact_point_id
        and decision.contact_customer_id = alternate.customer_id
where
    decision.as_of = %(as_of)s
    and decision.channel = %(channel)s
    and decision.vendor = %(vendor)s
    and decision.decision = 'contact'

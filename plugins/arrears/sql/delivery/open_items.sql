-- What a vendor still holds of lists of earlier days, and why it must let go, in words that tell it no more than it needs.
with open_item as (
    select
        item.contact_ref,
        item.customer_id,
        item.currency,
        item.contact_point_id,
        batch.channel
    from ops.delivery_item as item
    inner join ops.delivery_batch as batch on item.batch_id = batch.batch_id
    where
        batch.kind = 'contact_list'
        and batch.vendor = %(vendor)s
        and batch.as_of < %(as_of)s
        and batch.state in ('uploaded', 'acknowledged')
        and not item.is_final
),

today as (
    select
        decision.customer_id,
        decision.currency,
        decision.channel,
        decision.decision,
        decision.reason_code,
        reason.category
    from marts.fct_contact_decision as decision
    left join staging.suppression_reasons as reason
        on
            decision.reason_code = reason.reason_code
            and decision.as_of >= reason.valid_from
            and (reason.valid_to is null or decision.as_of < reason.valid_to)
    where decision.as_of = %(as_of)s
),

judged as (
    select
        open_item.contact_ref,
        open_item.customer_id,
        open_item.currency,
        open_item.contact_point_id,
        open_item.channel,
        case
            when today.customer_id is null then 'nothing_due'
            when today.reason_code in ('NOT_IN_ARREARS', 'PAID_SINCE', 'BELOW_MINIMUM') then 'nothing_due'
            when today.reason_code = 'PROMISE_OPEN' then 'promise_made'
            -- A case that was referred goes on while the next referral waits for its approvals.
            when today.reason_code = 'NOT_APPROVED' then 'replaced'
            when today.category in ('data', 'legal', 'care', 'consent') then 'do_not_contact'
            else 'replaced'
        end as reason
    from open_item
    left join today
        on
            open_item.customer_id = today.customer_id
            and open_item.currency = today.currency
            and open_item.channel = today.channel
)

select
    contact_ref,
    customer_id,
    currency,
    contact_point_id,
    reason
from judged
where channel <> 'legal' or reason <> 'replaced'
order by contact_ref collate "C"

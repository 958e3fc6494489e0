-- Which rows of live lists must be dropped, from what `recall_arrived` gathered. A recall once sent stays in the day's file.
with paid_item as (
    select
        item.batch_id,
        item.contact_ref,
        item.customer_id,
        item.currency,
        live.channel,
        live.as_of,
        -- What a reminder speaks of: loans that fall due soon, and those of which early warning warns.
        loan.tier = 'pre_due' or warned.loan_id is not null as is_reminded,
        loan.arrears_amount,
        loan.jurisdiction,
        sum(recall_money.paid) as paid
    from recall_money
    inner join marts.fct_loan_delinquency as loan on recall_money.loan_id = loan.loan_id
    inner join ops.delivery_item as item on loan.customer_id = item.customer_id and loan.currency = item.currency
    inner join recall_live as live on item.batch_id = live.batch_id and recall_money.landed_at > live.known_at
    left join intermediate.int_loans__warned as warned on loan.loan_id = warned.loan_id
    group by
        item.batch_id,
        item.contact_ref,
        item.customer_id,
        item.currency,
        live.channel,
        live.as_of,
        loan.loan_id,
        loan.tier,
        warned.loan_id,
        loan.arrears_amount,
        loan.jurisdiction
),

settled_item as (
    -- A loan that is overpaid does not pay another one: each gives back no more than its own arrears.
    select
        batch_id,
        contact_ref,
        customer_id,
        currency,
        channel,
        as_of,
        min(jurisdiction) as jurisdiction,
        sum(arrears_amount - greatest(arrears_amount - paid, 0)) as settled,
        sum(paid) filter (where is_reminded) as paid_ahead
    from paid_item
    group by batch_id, contact_ref, customer_id, currency, channel, as_of
),

tolerance as (
    select
        settled_item.batch_id,
        settled_item.contact_ref,
        -- Where products differ, the largest: in doubt nobody is called.
        coalesce(
            max(parameter.tolerance) filter (where parameter.jurisdiction = settled_item.jurisdiction),
            max(parameter.tolerance) filter (where parameter.jurisdiction = 'DEFAULT'),
            0
        ) as amount
    from settled_item
    left join staging.delinquency_parameters as parameter
        on
            parameter.jurisdiction in (settled_item.jurisdiction, 'DEFAULT')
            and (parameter.currency is null or parameter.currency = settled_item.currency)
            and parameter.valid_from <= settled_item.as_of
            and (parameter.valid_to is null or parameter.valid_to > settled_item.as_of)
    group by settled_item.batch_id, settled_item.contact_ref
),

paid as (
    select
        settled_item.batch_id,
        settled_item.contact_ref,
        'nothing_due' as reason
    from settled_item
    inner join tolerance
        on settled_item.batch_id = tolerance.batch_id and settled_item.contact_ref = tolerance.contact_ref
    inner join intermediate.int_customers__contact_decision as decision
        on
            settled_item.as_of = decision.as_of
            and settled_item.customer_id = decision.customer_id
            and settled_item.currency = decision.currency
            and settled_item.channel = decision.channel
    where
        case
            when decision.days_past_due > 0
                then settled_item.settled > 0 and decision.arrears_amount - settled_item.settled <= tolerance.amount
            -- Who is only reminded owes nothing yet: the reminder speaks of what falls due next.
            else settled_item.paid_ahead > 0 and decision.amount_due - settled_item.paid_ahead <= tolerance.amount
        end
),

held_item as (
    select
        item.batch_id,
        item.contact_ref,
        'do_not_contact' as reason
    from recall_hold as hold
    -- The person reached may be another than the borrower: a co-debtor, say.
    inner join ops.delivery_item as item
        on hold.customer_id = item.customer_id or hold.customer_id = item.contact_customer_id
    inner join recall_live as live on item.batch_id = live.batch_id and hold.landed_at > live.known_at
    left join intermediate.int_customers__contact_decision as decision
        on
            live.as_of = decision.as_of
            and live.channel = decision.channel
            and item.customer_id = decision.customer_id
            and item.currency = decision.currency
    where
        (hold.said_of is null or hold.said_of in (live.channel, live.medium))
        and (
            hold.contact_point_id is null
            or hold.contact_point_id in (item.contact_point_id, decision.alternate_contact_point_id)
        )
        and (
            not hold.is_joint
            or exists (
                select
                from staging.contact_rules as rule
                where
                    rule.jurisdiction = decision.policy_id
                    and rule.reason_code = hold.reason_code
                    and rule.parameter = 'joint_debtors=true'
                    and rule.valid_from <= live.as_of
                    and (rule.valid_to is null or rule.valid_to > live.as_of)
            )
        )
    union all
    select
        item.batch_id,
        item.contact_ref,
        'promise_made' as reason
    from recall_said as said
    inner join ops.delivery_item as item on said.customer_id = item.customer_id
    inner join recall_live as live on item.batch_id = live.batch_id and said.landed_at > live.known_at
    -- The vendor who took the promise goes on working it; the others stop.
    where said.is_promise and said.said_at_batch is distinct from item.batch_id
),

-- A list that left by decisions that are lost is held against those of now. A case that was referred goes on while its approvals
-- are asked for again.
undecided_item as (
    select
        item.batch_id,
        item.contact_ref,
        case
            when decision.customer_id is null or decision.reason_code in ('NOT_IN_ARREARS', 'PAID_SINCE', 'BELOW_MINIMUM')
                then 'nothing_due'
            when decision.reason_code = 'PROMISE_OPEN' then 'promise_made'
            else 'do_not_contact'
        end as reason
    from recall_live as live
    inner join ops.delivery_item as item on live.batch_id = item.batch_id
    left join marts.fct_contact_decision as decision
        on
            live.as_of = decision.as_of
            and live.channel = decision.channel
            and item.customer_id = decision.customer_id
            and item.currency = decision.currency
    where
        live.is_adopted
        and decision.decision is distinct from 'contact'
        and decision.reason_code is distinct from 'NOT_APPROVED'
),

-- The day's file ---------------------------------------------------------------------------------------------------
earlier as (
    select
        batch.vendor,
        batch.valid_until,
        item.contact_ref,
        item.customer_id,
        item.currency,
        item.contact_point_id,
        item.reason
    from ops.delivery_batch as batch
    inner join ops.delivery_item as item on batch.batch_id = item.batch_id
    where batch.kind = 'recall' and batch.as_of = %(as_of)s
),

found as (
    select
        live.vendor,
        live.valid_until,
        item.contact_ref,
        item.customer_id,
        item.currency,
        item.contact_point_id,
        reasons.reason
    from (
        select * from paid
        union all
        select * from held_item
        union all
        select * from undecided_item
    ) as reasons
    inner join ops.delivery_item as item
        on reasons.batch_id = item.batch_id and reasons.contact_ref = item.contact_ref
    inner join recall_live as live on item.batch_id = live.batch_id
    where not item.is_final
),

every as (
    select
        0 as place,
        earlier.*
    from earlier
    union all
    select
        1 as place,
        found.*
    from found
)

-- One row a reference: as it was first recalled, else by the strongest reason.
select distinct on (vendor, contact_ref collate "C")
    vendor,
    valid_until,
    contact_ref,
    customer_id,
    currency,
    contact_point_id,
    reason
from every
order by
    vendor,
    contact_ref collate "C",
    place,
    array_position(array['do_not_contact', 'nothing_due', 'promise_made'], reason)

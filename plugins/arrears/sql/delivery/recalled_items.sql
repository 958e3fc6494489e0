-- Which rows of live lists must be dropped, starting from what landed since the builds that decided them.
--
-- Landed rows count when their batch passed the gate after the build took its inputs, and were not set aside. What a
-- vendor or the bank's own staff heard counts from when it was read. A recall once sent stays in the day's file.
with live as (
    select
        batch.batch_id,
        batch.channel,
        batch.vendor,
        batch.as_of,
        batch.valid_until,
        build.known_at
    from ops.delivery_batch as batch
    cross join lateral (
        select mart_build.known_at
        from ops.mart_build
        left join ops.sealed_day
            on
                mart_build.build_id = sealed_day.build_id
                and sealed_day.generation = batch.generation
                and sealed_day.as_of = batch.as_of
        where
            mart_build.generation = batch.generation
            and mart_build.as_of = batch.as_of
            and mart_build.state = 'passed'
        order by (sealed_day.build_id is not null) desc, mart_build.build_id desc
        limit 1
    ) as build
    where
        batch.kind = 'contact_list'
        and batch.state in ('uploaded', 'acknowledged')
        and batch.valid_until > %(now)s
        and batch.generation = (select max(generation.generation) from ops.source_generation as generation)
),

earliest as (
    select min(known_at) as known_at
    from live
),

new_batch as materialized (
    select
        load_batch.batch_id,
        load_batch.generation,
        load_batch.decided_at
    from ops.load_batch
    cross join earliest
    where
        load_batch.state = 'passed'
        and load_batch.decided_at > earliest.known_at
        and load_batch.generation = (select max(generation.generation) from ops.source_generation as generation)
),

-- Money ---------------------------------------------------------------------------------------------------------
new_money as materialized (
    select
        movement.loan_id,
        new_batch.decided_at as landed_at,
        case when movement.kind = 'reversal' then -movement.amount else movement.amount end as paid
    from new_batch
    inner join landing.loan_transactions as movement on new_batch.batch_id = movement._batch_id
    where
        movement.kind in ('repayment', 'waiver', 'recovery', 'reversal')
        and movement.effective_on <= %(as_of)s
        and not exists (
            select
            from quarantine.loan_transactions as rejected
            where rejected._row_id = movement._row_id
        )
        -- One that landed again is known to the build.
        and not exists (
            select
            from landing.loan_transactions as before
            inner join ops.load_batch as batch_before on before._batch_id = batch_before.batch_id
            where
                before.transaction_id = movement.transaction_id
                and before._row_id < movement._row_id
                and batch_before.state = 'passed'
                and batch_before.generation = new_batch.generation
                and not exists (
                    select
                    from quarantine.loan_transactions as rejected_before
                    where rejected_before._row_id = before._row_id
                )
        )
),

paid_item as (
    select
        item.batch_id,
        item.contact_ref,
        item.customer_id,
        item.currency,
        live.channel,
        live.as_of,
        loan.arrears_amount,
        sum(new_money.paid) as paid
    from new_money
    inner join marts.fct_loan_delinquency as loan on new_money.loan_id = loan.loan_id
    inner join ops.delivery_item as item on loan.customer_id = item.customer_id and loan.currency = item.currency
    inner join live on item.batch_id = live.batch_id and new_money.landed_at > live.known_at
    group by
        item.batch_id,
        item.contact_ref,
        item.customer_id,
        item.currency,
        live.channel,
        live.as_of,
        loan.loan_id,
        loan.arrears_amount
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
        sum(arrears_amount - greatest(arrears_amount - paid, 0)) as settled
    from paid_item
    group by batch_id, contact_ref, customer_id, currency, channel, as_of
),

tolerance as (
    select
        settled_item.batch_id,
        settled_item.contact_ref,
        -- Where products differ, the largest: in doubt nobody is called.
        coalesce(
            max(parameter.tolerance) filter (where parameter.jurisdiction = customer.jurisdiction),
            max(parameter.tolerance) filter (where parameter.jurisdiction = 'DEFAULT'),
            0
        ) as amount
    from settled_item
    inner join staging.stg_core_banking__customers as customer on settled_item.customer_id = customer.customer_id
    left join staging.delinquency_parameters as parameter
        on
            parameter.jurisdiction in (customer.jurisdiction, 'DEFAULT')
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
    where settled_item.settled > 0 and decision.arrears_amount - settled_item.settled <= tolerance.amount
),

-- What people said -------------------------------------------------------------------------------------------------
new_hold as (
    -- `channel` null: all of them.
    select
        flag.customer_id,
        case when flag.flag in ('no_visits', 'unsafe_address') then 'field_visit' end as channel,
        new_batch.decided_at as landed_at
    from new_batch
    inner join landing.customer_flags as flag on new_batch.batch_id = flag._batch_id
    where
        flag.valid_from <= %(as_of)s
        and (flag.valid_to is null or flag.valid_to > %(as_of)s)
        and not exists (
            select
            from quarantine.customer_flags as rejected
            where rejected._row_id = flag._row_id
        )
    union all
    select
        consent.customer_id,
        consent.channel,
        new_batch.decided_at as landed_at
    from new_batch
    inner join landing.contact_consents as consent on new_batch.batch_id = consent._batch_id
    where
        consent.consent = 'refused'
        and consent.valid_from <= %(as_of)s
        and (consent.valid_to is null or consent.valid_to > %(as_of)s)
        and not exists (
            select
            from quarantine.contact_consents as rejected
            where rejected._row_id = consent._row_id
        )
    union all
    select
        loan.customer_id,
        null as channel,
        new_batch.decided_at as landed_at
    from new_batch
    inner join landing.hardship_arrangements as arrangement on new_batch.batch_id = arrangement._batch_id
    inner join marts.fct_loan_delinquency as loan on arrangement.loan_id = loan.loan_id
    where
        arrangement.status = 'accepted'
        and arrangement.starts_on <= %(as_of)s
        and arrangement.ends_on > %(as_of)s
        and not exists (
            select
            from quarantine.hardship_arrangements as rejected
            where rejected._row_id = arrangement._row_id
        )
),

new_result as (
    select
        result.batch_id,
        result.contact_ref,
        result.contact_point_ref,
        result.disposition,
        result._loaded_at as landed_at
    from earliest
    inner join landing.vendor_result as result on earliest.known_at < result._loaded_at
),

heard as (
    -- From our own staff.
    select
        interaction.customer_id,
        null::text as said_at_batch,
        null::text as contact_point_id,
        interaction.disposition,
        new_batch.decided_at as landed_at
    from new_batch
    inner join landing.customer_interactions as interaction on new_batch.batch_id = interaction._batch_id
    where
        not exists (
            select
            from quarantine.customer_interactions as rejected
            where rejected._row_id = interaction._row_id
        )
    union all
    -- From a vendor.
    select
        item.customer_id,
        new_result.batch_id as said_at_batch,
        -- The alternate number is not the one that the item was planned with.
        case when new_result.contact_point_ref = 'alternate_phone' then null else item.contact_point_id end
            as contact_point_id,
        new_result.disposition,
        new_result.landed_at
    from new_result
    inner join ops.delivery_item as item
        on new_result.batch_id = item.batch_id and new_result.contact_ref = item.contact_ref
),

said as (
    select
        heard.customer_id,
        heard.said_at_batch,
        heard.contact_point_id,
        heard.landed_at,
        disposition.suppresses,
        disposition.is_promise
    from heard
    inner join staging.dispositions as disposition on heard.disposition = disposition.disposition
    where disposition.is_promise or disposition.suppresses is not null
),

held_item as (
    select
        item.batch_id,
        item.contact_ref,
        'do_not_contact' as reason
    from new_hold
    inner join ops.delivery_item as item on new_hold.customer_id = item.customer_id
    inner join live
        on
            item.batch_id = live.batch_id
            and new_hold.landed_at > live.known_at
            and coalesce(new_hold.channel, live.channel) = live.channel
    union all
    -- The person reached may be another than the borrower: a co-debtor, say.
    select
        item.batch_id,
        item.contact_ref,
        'do_not_contact' as reason
    from new_hold
    inner join ops.delivery_item as item on new_hold.customer_id = item.contact_customer_id
    inner join live
        on
            item.batch_id = live.batch_id
            and new_hold.landed_at > live.known_at
            and coalesce(new_hold.channel, live.channel) = live.channel
    union all
    select
        item.batch_id,
        item.contact_ref,
        case when said.is_promise then 'promise_made' else 'do_not_contact' end as reason
    from said
    inner join ops.delivery_item as item on said.customer_id = item.customer_id
    inner join live on item.batch_id = live.batch_id and said.landed_at > live.known_at
    where
        case
            -- The vendor who took the promise goes on working it; the others stop.
            when said.is_promise then said.said_at_batch is distinct from item.batch_id
            -- A number that is somebody else's or out of service is dropped wherever it is listed.
            when said.suppresses = 'CONTACT_POINT_INVALID'
                then said.contact_point_id is not null and said.contact_point_id = item.contact_point_id
            when said.suppresses = 'UNSAFE_ADDRESS' then live.channel = 'field_visit'
            else true
        end
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
    ) as reasons
    inner join ops.delivery_item as item
        on reasons.batch_id = item.batch_id and reasons.contact_ref = item.contact_ref
    inner join live on item.batch_id = live.batch_id
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

-- What arrived since, gathered into small tables, so that what follows can be planned by their true size: its cost is that
-- of what arrived, whatever the size of landing. The batches come as values for the same reason.
create temporary table recall_money on commit drop as
select
    movement.loan_id,
    load_batch.decided_at as landed_at,
    case when movement.kind = 'reversal' then -movement.amount else movement.amount end as paid,
    movement.reverses,
    movement._row_id,
    movement.transaction_id,
    load_batch.generation
from landing.loan_transactions as movement
inner join ops.load_batch on movement._batch_id = load_batch.batch_id
where
    movement._batch_id = any(%(batch_ids)s::bigint [])
    and movement.kind in ('repayment', 'waiver', 'recovery', 'reversal')
    and movement.effective_on <= %(as_of)s
    and not exists (
        select
        from quarantine.loan_transactions as rejected
        where rejected._row_id = movement._row_id
    );

analyze recall_money;

-- A reversal that is itself taken back gives the money back.
update recall_money
set paid = -recall_money.paid
from landing.loan_transactions as reversed
where reversed.transaction_id = recall_money.reverses and reversed.kind = 'reversal';

-- One that landed again is known to the build.
delete from recall_money
where exists (
    select
    from landing.loan_transactions as before
    inner join ops.load_batch as batch_before on before._batch_id = batch_before.batch_id
    where
        before.transaction_id = recall_money.transaction_id
        and before._row_id < recall_money._row_id
        and batch_before.state = 'passed'
        and batch_before.generation = recall_money.generation
        and not exists (
            select
            from quarantine.loan_transactions as rejected
            where rejected._row_id = before._row_id
        )
);

-- Who must not be contacted any more: by one channel or medium (`said_of`), at one number or address, or not at all (both
-- null). `reason_code`: what holds for those who owe with him, too, where their pack says so (`is_joint`).
create temporary table recall_hold on commit drop as
select
    flag.customer_id,
    coalesce(known.reason_code, 'UNKNOWN_FLAG') as reason_code,
    case when flag.flag in ('no_visits', 'unsafe_address') then 'field_visit' end as said_of,
    null::text as contact_point_id,
    false as is_joint,
    load_batch.decided_at as landed_at
from landing.customer_flags as flag
inner join ops.load_batch on flag._batch_id = load_batch.batch_id
left join staging.known_flags as known on flag.flag = known.flag
where
    flag._batch_id = any(%(batch_ids)s::bigint [])
    and flag.valid_from <= %(as_of)s
    and (flag.valid_to is null or flag.valid_to > %(as_of)s)
    and not exists (
        select
        from quarantine.customer_flags as rejected
        where rejected._row_id = flag._row_id
    )
union all
select
    consent.customer_id,
    null as reason_code,
    nullif(consent.channel, 'all') as said_of,
    null as contact_point_id,
    false as is_joint,
    load_batch.decided_at as landed_at
from landing.contact_consents as consent
inner join ops.load_batch on consent._batch_id = load_batch.batch_id
where
    consent._batch_id = any(%(batch_ids)s::bigint [])
    and consent.consent = 'refused'
    and consent.valid_from <= %(as_of)s
    and (consent.valid_to is null or consent.valid_to > %(as_of)s)
    and not exists (
        select
        from quarantine.contact_consents as rejected
        where rejected._row_id = consent._row_id
    )
union all
-- A plan protects as long as `int_loans__plan` says: from its acceptance, even where it begins later.
select
    loan.customer_id,
    null as reason_code,
    null as said_of,
    null as contact_point_id,
    false as is_joint,
    load_batch.decided_at as landed_at
from landing.hardship_arrangements as arrangement
inner join ops.load_batch on arrangement._batch_id = load_batch.batch_id
inner join marts.fct_loan_delinquency as loan on arrangement.loan_id = loan.loan_id
where
    arrangement._batch_id = any(%(batch_ids)s::bigint [])
    and arrangement.status = 'accepted'
    and least(arrangement.starts_on, arrangement.accepted_on) <= %(as_of)s
    and least(arrangement.ends_on, arrangement.ended_on) > %(as_of)s
    and not exists (
        select
        from quarantine.hardship_arrangements as rejected
        where rejected._row_id = arrangement._row_id
    )
union all
-- A number that is on file twice is as bad as its worst copy, and the list has one of them. Corrected and refused at once, it is
-- still known by its id.
select
    copy.customer_id,
    null as reason_code,
    null as said_of,
    copy.contact_point_id,
    false as is_joint,
    load_batch.decided_at as landed_at
from landing.contact_points as point
inner join ops.load_batch on point._batch_id = load_batch.batch_id
inner join staging.stg_core_banking__contact_points as copy
    on
        point.customer_id = copy.customer_id
        and (
            point.contact_point_id = copy.contact_point_id
            or case
                when point.kind in ('mobile', 'landline') and copy.kind in ('mobile', 'landline')
                    then
                        regexp_replace(point.value, '[^0-9+]', '', 'g') = regexp_replace(copy.value, '[^0-9+]', '', 'g')
                else point.value = copy.value
            end
        )
where
    point._batch_id = any(%(batch_ids)s::bigint [])
    and (point.consent = 'refused' or point.is_valid is false or point.relation <> 'self')
    and not exists (
        select
        from quarantine.contact_points as rejected
        where rejected._row_id = point._row_id
    );

-- What customers said, to our own staff or to a vendor.
create temporary table recall_said on commit drop as
select
    interaction.customer_id,
    null::text as said_at_batch,
    null::text as contact_point_id,
    load_batch.decided_at as landed_at,
    disposition.suppresses,
    disposition.is_promise
from landing.customer_interactions as interaction
inner join ops.load_batch on interaction._batch_id = load_batch.batch_id
inner join staging.dispositions as disposition on interaction.disposition = disposition.disposition
where
    interaction._batch_id = any(%(batch_ids)s::bigint [])
    and (disposition.is_promise or disposition.suppresses is not null)
    and not exists (
        select
        from quarantine.customer_interactions as rejected
        where rejected._row_id = interaction._row_id
    )
union all
select
    item.customer_id,
    result.batch_id as said_at_batch,
    -- The alternate number is not the one that the item was planned with.
    case when result.contact_point_ref = 'alternate_phone' then null else item.contact_point_id end
        as contact_point_id,
    result._loaded_at as landed_at,
    disposition.suppresses,
    disposition.is_promise
from landing.vendor_result as result
inner join ops.delivery_item as item on result.batch_id = item.batch_id and result.contact_ref = item.contact_ref
inner join staging.dispositions as disposition on result.disposition = disposition.disposition
where
    result._loaded_at > %(known_at)s
    and (disposition.is_promise or disposition.suppresses is not null);

analyze recall_said;

insert into recall_hold
select
    customer_id,
    suppresses as reason_code,
    case when suppresses = 'UNSAFE_ADDRESS' then 'field_visit' end as said_of,
    case when suppresses = 'CONTACT_POINT_INVALID' then contact_point_id end as contact_point_id,
    false as is_joint,
    landed_at
from recall_said
where
    not is_promise
    -- A number that is somebody else's or out of service, where it is not known which: nothing can be dropped.
    and (suppresses <> 'CONTACT_POINT_INVALID' or contact_point_id is not null);

analyze recall_hold;

create temporary table recall_shared on commit drop as
select distinct hold.*
from recall_hold as hold
inner join staging.contact_rules as rule
    on hold.reason_code = rule.reason_code and rule.parameter = 'joint_debtors=true';

analyze recall_shared;

insert into recall_hold
with shared_loan as (
    select
        shared.*,
        loan.loan_id
    from recall_shared as shared
    inner join staging.stg_core_banking__loans as loan on shared.customer_id = loan.customer_id
    union all
    select
        shared.*,
        party.loan_id
    from recall_shared as shared
    inner join staging.stg_core_banking__loan_parties as party
        on shared.customer_id = party.customer_id and party.role = 'co_debtor'
),

debtor as (
    select
        shared_loan.*,
        party.customer_id as debtor_id
    from shared_loan
    inner join staging.stg_core_banking__loan_parties as party
        on shared_loan.loan_id = party.loan_id and party.role = 'co_debtor'
    union all
    select
        shared_loan.*,
        loan.customer_id as debtor_id
    from shared_loan
    inner join staging.stg_core_banking__loans as loan on shared_loan.loan_id = loan.loan_id
)

select
    debtor_id as customer_id,
    reason_code,
    said_of,
    contact_point_id,
    true as is_joint,
    landed_at
from debtor
where debtor_id <> customer_id;

analyze recall_hold;

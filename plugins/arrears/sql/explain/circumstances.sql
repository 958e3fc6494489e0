-- What restrains or helps on the day, in one list: flags, refusals, plans, complaints, promises.
select
    'flag' as kind,
    coalesce(known.description, 'A flag that nobody knows: ' || flag.flag) as what,
    flag.valid_from as since_on,
    flag.valid_to as until_on,
    known.reason_code
from staging.stg_core_banking__customer_flags as flag
left join staging.known_flags as known on flag.flag = known.flag
where
    flag.customer_id = %(customer_id)s
    and flag.valid_from <= %(as_of)s
    and (flag.valid_to is null or flag.valid_to > %(as_of)s)
union all
-- What holds for who owes with the customer, where the pack says so.
select distinct
    'flag' as kind,
    known.description || ': said of somebody who owes with the customer' as what,
    flag.valid_from as since_on,
    flag.valid_to as until_on,
    known.reason_code
from (
    select loan.loan_id
    from staging.stg_core_banking__loans as loan
    where loan.customer_id = %(customer_id)s
    union
    select party.loan_id
    from staging.stg_core_banking__loan_parties as party
    where party.customer_id = %(customer_id)s and party.role = 'co_debtor'
) as owed
cross join lateral (
    select loan.customer_id
    from staging.stg_core_banking__loans as loan
    where loan.loan_id = owed.loan_id
    union
    select party.customer_id
    from staging.stg_core_banking__loan_parties as party
    where party.loan_id = owed.loan_id and party.role = 'co_debtor'
) as debtor
inner join staging.stg_core_banking__customer_flags as flag on debtor.customer_id = flag.customer_id
inner join staging.known_flags as known on flag.flag = known.flag
where
    debtor.customer_id <> %(customer_id)s
    and flag.valid_from <= %(as_of)s
    and (flag.valid_to is null or flag.valid_to > %(as_of)s)
    and exists (
        select
        from staging.contact_rules as rule
        where
            rule.jurisdiction = %(policy_id)s
            and rule.reason_code = known.reason_code
            and rule.parameter = 'joint_debtors=true'
            and rule.valid_from <= %(as_of)s
            and (rule.valid_to is null or rule.valid_to > %(as_of)s)
    )
union all
select
    'consent' as kind,
    consent.channel || ': ' || consent.consent as what,
    consent.valid_from as since_on,
    consent.valid_to as until_on,
    case when consent.consent = 'refused' then 'CHANNEL_REFUSED' end as reason_code
from staging.stg_core_banking__contact_consents as consent
where
    consent.customer_id = %(customer_id)s
    and consent.valid_from <= %(as_of)s
    and (consent.valid_to is null or consent.valid_to > %(as_of)s)
union all
select
    'plan' as kind,
    replace(arrangement.kind, '_', ' ') || ', ' || arrangement.status || ', loan ' || arrangement.loan_id as what,
    arrangement.starts_on as since_on,
    coalesce(arrangement.ended_on, arrangement.ends_on) as until_on,
    case when arrangement.status = 'accepted' then 'HARDSHIP_ACTIVE' end as reason_code
from intermediate.int_loans__terms as terms
inner join staging.stg_core_banking__hardship_arrangements as arrangement on terms.loan_id = arrangement.loan_id
where
    terms.customer_id = %(customer_id)s
    and coalesce(arrangement.accepted_on, arrangement.starts_on) <= %(as_of)s
    and coalesce(arrangement.ended_on, arrangement.ends_on) > %(as_of)s
union all
select
    'complaint' as kind,
    coalesce(complaint.category, 'complaint') as what,
    cast(complaint.received_at at time zone %(zone)s as date) as since_on,
    cast(complaint.closed_at at time zone %(zone)s as date) as until_on,
    'COMPLAINT_OPEN' as reason_code
from staging.stg_core_banking__complaints as complaint
where
    complaint.customer_id = %(customer_id)s
    and cast(complaint.received_at at time zone %(zone)s as date) <= %(as_of)s
    and (complaint.closed_at is null or cast(complaint.closed_at at time zone %(zone)s as date) > %(as_of)s)
order by kind, since_on, what

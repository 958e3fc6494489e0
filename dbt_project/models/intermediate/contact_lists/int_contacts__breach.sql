with ledger as (
    {{ contact_rows() }}
),

channels as (
    select * from {{ ref('channels') }}
),

sealed_days as (
    select * from {{ source('ops', 'sealed_day') }}
),

scope as (
    select * from {{ ref('int_customers__scope') }}
),

holds as (
    select * from {{ ref('int_customers__hold') }}
),

flags as (
    select * from {{ ref('stg_core_banking__customer_flags') }}
),

known_flags as (
    select * from {{ ref('known_flags') }}
),

reasons as (
    select * from {{ ref('suppression_reasons') }}
),

minimums as (
    {{ policy_parameter('minimum_amount', 'numeric(18, 2)') }}
),

consent_rules as (
    {{ policy_parameter('requires_granted', 'boolean') }}
),

statements as (
    select * from {{ ref('stg_core_banking__contact_consents') }}
),

consents as (
    select * from {{ ref('int_customers__consent') }}
),

windows as (
    select * from {{ ref('contact_windows') }}
),

zones as (
    select * from {{ ref('jurisdiction_time_zones') }}
),

calendar as (
    select * from {{ source('ops', 'calendar_day') }}
),

points as (
    select * from {{ ref('stg_core_banking__contact_points') }}
),

usable_points as (
    select * from {{ ref('int_contact_points__usable') }}
),

parties as (
    select * from {{ ref('stg_core_banking__loan_parties') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

-- What the lists of the day may hold.
contacts as (
    select
        ledger.*,
        channels.medium,
        channels.contact_kind,
        sealed_days.as_of is not null as is_sealed
    from ledger
    inner join channels on ledger.channel = channels.channel
    left join sealed_days
        on
            ledger.generation = sealed_days.generation
            and ledger.as_of = sealed_days.as_of
    where ledger.as_of = {{ as_of_date() }}
),

customers as (
    select distinct customer_id
    from contacts
),

-- Nobody is contacted of whom something is known that forbids it ------------------------------------------------------
people as (
    select
        customer_id,
        currency,
        channel,
        policy_id,
        customer_id as person_id
    from contacts
    union distinct
    select
        customer_id,
        currency,
        channel,
        policy_id,
        contact_customer_id as person_id
    from contacts
),

-- What the decision gathered, and once more the flags as the bank has them.
known_holds as (
    select
        customer_id,
        currency,
        reason_code,
        since_on
    from holds
    union all
    select
        flags.customer_id,
        null as currency,
        coalesce(known_flags.reason_code, 'UNKNOWN_FLAG') as reason_code,
        flags.valid_from as since_on
    from flags
    left join known_flags on flags.flag = known_flags.flag
    where {{ in_force('flags') }}
),

closing as (
    {{ binding_rules() }}
),

spoken_of as (
    select distinct
        policy_id,
        reason_code
    from closing
),

held as (
    select
        people.customer_id,
        people.currency,
        people.channel,
        'held' as rule
    from people
    inner join known_holds
        on
            people.person_id = known_holds.customer_id
            and (known_holds.currency is null or people.currency = known_holds.currency)
    left join closing
        on
            people.policy_id = closing.policy_id
            and known_holds.reason_code = closing.reason_code
            and (closing.applies_to_channel is null or people.channel = closing.applies_to_channel)
            and (closing.blocks_days is null or {{ as_of_date() }} - known_holds.since_on < closing.blocks_days)
    left join spoken_of
        on
            people.policy_id = spoken_of.policy_id
            and known_holds.reason_code = spoken_of.reason_code
    left join reasons
        on
            known_holds.reason_code = reasons.reason_code
            and {{ in_force('reasons') }}
    where
        closing.policy_id is not null
        or (spoken_of.policy_id is null and coalesce(reasons.category, '') <> 'frequency')
),

-- No channel that the customer refused --------------------------------------------------------------------------------
current_statements as (
    select statements.*
    from statements
    inner join customers on statements.customer_id = customers.customer_id
    where {{ in_force('statements') }}
),

last_statements as (
    {{ first_of_each('current_statements', 'customer_id, channel', 'valid_from desc') }}
),

refused as (
    select
        contacts.customer_id,
        contacts.currency,
        contacts.channel,
        'refused' as rule
    from contacts
    inner join last_statements
        on
            contacts.customer_id = last_statements.customer_id
            and last_statements.channel in (contacts.channel, contacts.medium, 'all')
    where last_statements.consent = 'refused'
    union all
    select
        contacts.customer_id,
        contacts.currency,
        contacts.channel,
        'refused' as rule
    from contacts
    left join consents
        on
            contacts.customer_id = consents.customer_id
            and contacts.channel = consents.channel
    left join consent_rules
        on
            contacts.policy_id = consent_rules.policy_id
            and consent_rules.requires_granted
            and (consent_rules.applies_to_channel is null or contacts.channel = consent_rules.applies_to_channel)
    where
        consents.is_refused
        or (consent_rules.requires_granted and not coalesce(consents.is_granted, false))
),

-- Every clock that the customer may live by is within the hours of the pack and those that he asked for --------------
clocks as (
    select
        contacts.customer_id,
        contacts.currency,
        contacts.channel,
        contacts.medium,
        contacts.policy_id,
        scope.jurisdiction,
        coalesce(scope.time_zone, zones.time_zone) as time_zone,
        contacts.window_start at time zone coalesce(scope.time_zone, zones.time_zone) as begins_at,
        contacts.window_end at time zone coalesce(scope.time_zone, zones.time_zone) as ends_at
    from contacts
    left join scope
        on
            contacts.customer_id = scope.customer_id
            and contacts.currency = scope.currency
    left join zones
        on
            scope.time_zone is null
            and scope.jurisdiction = zones.jurisdiction
),

hours as (
    select
        clocks.customer_id,
        clocks.currency,
        clocks.channel,
        clocks.begins_at,
        clocks.ends_at,
        windows.jurisdiction as said_by,
        windows.weekday,
        windows.opens,
        windows.closes,
        coalesce(calendar.is_public_holiday, false) as is_holiday,
        bool_or(coalesce(windows.weekday = 'holiday', false)) over (
            partition by clocks.customer_id, clocks.currency, clocks.channel
        ) as has_holiday_rule
    from clocks
    left join calendar
        on
            clocks.jurisdiction = calendar.jurisdiction
            and {{ as_of_date() }} = calendar.day
    left join windows
        on
            clocks.policy_id = windows.jurisdiction
            and {{ in_force('windows') }}
            and (windows.channel is null or windows.channel in (clocks.channel, clocks.medium))
            and (
                windows.weekday is null
                or windows.weekday = {{ weekday_of(as_of_date()) }}
                or (windows.weekday = 'holiday' and coalesce(calendar.is_public_holiday, false))
            )
),

outside_hours as (
    select
        hours.customer_id,
        hours.currency,
        hours.channel,
        'outside_hours' as rule
    from hours
    left join consents
        on
            hours.customer_id = consents.customer_id
            and hours.channel = consents.channel
    where
        hours.said_by is null
        or hours.begins_at is null
        or hours.ends_at is null
        or hours.begins_at >= hours.ends_at
        or hours.begins_at < {{ as_of_date() }} + consents.preferred_from
        or hours.ends_at > {{ as_of_date() }} + consents.preferred_to
        or (
            (hours.weekday is null or (hours.weekday = 'holiday') = (hours.is_holiday and hours.has_holiday_rule))
            and (
                hours.opens is null
                or hours.closes is null
                or hours.begins_at < {{ as_of_date() }} + hours.opens
                or hours.ends_at > {{ as_of_date() }} + hours.closes
            )
        )
),

-- What happened and what is planned, the day's contacts with it, stay within every limit ------------------------------
limits as (
    {{ limits_in_force() }}
),

-- A limit per loan is one of the loans of a currency; the others look at the customer.
planned as (
    select
        contacts.customer_id,
        limits.limit_id,
        limits.channel as limited_channel,
        limits.counted,
        limits.per,
        limits.days,
        limits.at_most,
        case when limits.per = 'loan' then contacts.currency end as limited_currency,
        case when limits.per = 'loan' then contacts.loan_ids end as limited_loans,
        sum(contacts.attempts) as attempts
    from contacts
    inner join limits
        on
            contacts.policy_id = limits.policy_id
            and (limits.channel is null or limits.channel in (contacts.channel, contacts.medium))
    group by
        contacts.customer_id, limits.limit_id, limits.channel, limits.counted, limits.per, limits.days, limits.at_most,
        case when limits.per = 'loan' then contacts.currency end,
        case when limits.per = 'loan' then contacts.loan_ids end
),

uses as (
    {{ contact_uses() }}
),

used as (
    select
        planned.customer_id,
        planned.limit_id,
        planned.limited_currency,
        case planned.per when 'loan' then uses.loan_id when 'contact_point' then uses.contact_point_id end as subject,
        sum(uses.times) as times
    from planned
    inner join uses
        on
            planned.customer_id = uses.customer_id
            and {{ counts_towards(
                'planned',
                channel='planned.limited_channel',
                currency='planned.limited_currency',
                loan_ids='planned.limited_loans'
            ) }}
    group by
        planned.customer_id,
        planned.limit_id,
        planned.limited_currency,
        case planned.per when 'loan' then uses.loan_id when 'contact_point' then uses.contact_point_id end
),

-- What names no loan or number counts for each of them; the fullest of them is the one that binds.
used_up as (
    select
        planned.customer_id,
        planned.limited_currency,
        planned.limited_channel,
        planned.at_most,
        planned.attempts
        + coalesce(sum(used.times) filter (where used.subject is null), 0)
        + coalesce(max(used.times) filter (where used.subject is not null), 0) as attempts
    from planned
    left join used
        on
            planned.customer_id = used.customer_id
            and planned.limit_id = used.limit_id
            and planned.limited_currency is not distinct from used.limited_currency
    group by
        planned.customer_id, planned.limit_id, planned.limited_currency, planned.limited_channel, planned.attempts,
        planned.at_most
),

over_limit as (
    select
        contacts.customer_id,
        contacts.currency,
        contacts.channel,
        'over_limit' as rule
    from contacts
    inner join used_up
        on
            contacts.customer_id = used_up.customer_id
            and (used_up.limited_currency is null or contacts.currency = used_up.limited_currency)
            and (used_up.limited_channel is null or used_up.limited_channel in (contacts.channel, contacts.medium))
    where used_up.attempts > used_up.at_most
),

-- Where somebody is reached: at a place of his own, known by lawful means, and by nobody else -------------------------
named_points as (
    select
        customer_id,
        currency,
        channel,
        contact_kind,
        contact_customer_id,
        contact_point_id
    from contacts
    where contact_kind <> 'none'
    union all
    select
        customer_id,
        currency,
        channel,
        contact_kind,
        contact_customer_id,
        alternate_contact_point_id as contact_point_id
    from contacts
    where alternate_contact_point_id is not null
),

judged_points as (
    select
        named_points.customer_id,
        named_points.currency,
        named_points.channel,
        named_points.contact_customer_id,
        case when points.kind in ('mobile', 'landline') then {{ contact_value('points.kind', 'points.value') }} end
            as number,
        coalesce(
            points.customer_id = named_points.contact_customer_id
            and points.relation = 'self'
            and {{ is_lawful_source('points.source') }}
            and coalesce(points.is_valid, true)
            and coalesce(points.consent, 'unknown') <> 'refused'
            and (
                points.kind = named_points.contact_kind
                or (named_points.contact_kind = 'phone' and points.kind in ('mobile', 'landline'))
            )
            and not (usable_points.is_invalid or usable_points.is_refused or usable_points.is_shared),
            false
        ) as is_allowed
    from named_points
    left join points on named_points.contact_point_id = points.contact_point_id
    left join usable_points on named_points.contact_point_id = usable_points.contact_point_id
),

wrong_contact_point as (
    select
        customer_id,
        currency,
        channel,
        'wrong_contact_point' as rule
    from judged_points
    where not is_allowed
),

numbers as (
    select
        customer_id,
        currency,
        channel,
        min(contact_customer_id) over (partition by number) as first_owner,
        max(contact_customer_id) over (partition by number) as last_owner
    from judged_points
    where number is not null
),

number_of_two as (
    select
        customer_id,
        currency,
        channel,
        'number_of_two' as rule
    from numbers
    where first_owner <> last_owner
),

third_party as (
    select
        contacts.customer_id,
        contacts.currency,
        contacts.channel,
        'third_party' as rule
    from contacts
    where
        contacts.contact_customer_id is null
        or (
            contacts.contact_customer_id <> contacts.customer_id
            and not exists (
                select 1
                from parties
                where
                    parties.customer_id = contacts.contact_customer_id
                    and {{ holds('contacts.loan_ids', 'parties.loan_id') }}
                    and parties.role in ('co_debtor', 'guarantor', 'legal_representative')
            )
        )
),

-- What is said to be owed is: contractual days and arrears of the customer's own loans, whatever holds there are
named_loans as (
    select
        contacts.customer_id,
        contacts.currency,
        contacts.channel,
        named.loan_id
    from contacts
    cross join lateral ({{ rows_of('contacts.loan_ids', 'loan_id') }}) as named -- noqa: ST05
),

owed as (
    select
        named_loans.customer_id,
        named_loans.currency,
        named_loans.channel,
        sum(loans.arrears_amount) as arrears_amount,
        max(loans.days_past_due) as days_past_due,
        bool_and(coalesce(
            named_loans.customer_id = loans.customer_id and named_loans.currency = loans.currency, false
        )) as is_own
    from named_loans
    left join loans on named_loans.loan_id = loans.loan_id
    group by named_loans.customer_id, named_loans.currency, named_loans.channel
),

not_owed as (
    select
        contacts.customer_id,
        contacts.currency,
        contacts.channel,
        'not_owed' as rule
    from contacts
    left join owed
        on
            contacts.customer_id = owed.customer_id
            and contacts.currency = owed.currency
            and contacts.channel = owed.channel
    left join minimums
        on
            contacts.policy_id = minimums.policy_id
            and (minimums.applies_to_channel is null or contacts.channel = minimums.applies_to_channel)
    where
        not coalesce(owed.is_own, false)
        or contacts.arrears_amount is distinct from owed.arrears_amount
        or contacts.days_past_due is distinct from owed.days_past_due
        or (contacts.days_past_due > 0 and contacts.amount_due is distinct from owed.arrears_amount)
        or (contacts.days_past_due > 0 and contacts.arrears_amount < minimums.minimum_amount)
        or coalesce(contacts.amount_due, 0) <= 0
),

breaches as (
    select * from held
    union all
    select * from refused
    union all
    select * from outside_hours
    union all
    select * from over_limit
    union all
    select * from wrong_contact_point
    union all
    select * from number_of_two
    union all
    select * from third_party
    union all
    select * from not_owed
)

select distinct
    contacts.as_of,
    contacts.customer_id,
    contacts.currency,
    contacts.channel,
    breaches.rule,
    contacts.is_sealed
from breaches
inner join contacts
    on
        breaches.customer_id = contacts.customer_id
        and breaches.currency = contacts.currency
        and breaches.channel = contacts.channel

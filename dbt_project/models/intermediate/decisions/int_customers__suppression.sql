with scope as (
    select * from {{ ref('int_customers__scope') }}
),

channels as (
    select * from {{ ref('channels') }}
),

minimums as (
    {{ policy_parameter('minimum_amount', 'numeric(18, 2)') }}
),

consent_rules as (
    {{ policy_parameter('requires_granted', 'boolean') }}
),

known_reasons as (
    select * from {{ ref('suppression_reasons') }}
),

holds as (
    select * from {{ ref('int_customers__hold') }}
),

paid_since as (
    select * from {{ ref('int_loans__paid_since') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

consents as (
    select * from {{ ref('int_customers__consent') }}
),

choices as (
    select * from {{ ref('int_customers__contact_choice') }}
),

allowances as (
    select * from {{ ref('int_customers__contact_allowance') }}
),

windows as (
    select * from {{ ref('int_customers__contact_window') }}
),

treatments as (
    select * from {{ ref('int_customers__treatment') }}
),

vendors as (
    select * from {{ ref('int_customers__vendor') }}
),

considered as (
    select
        scope.customer_id,
        scope.currency,
        scope.policy_id,
        scope.is_in_arrears,
        scope.is_pre_due,
        scope.arrears_amount,
        scope.amount_due,
        channels.channel,
        channels.contact_kind
    from scope
    cross join channels
),

binding_rules as (
    {{ binding_rules() }}
),

packs as (
    select distinct policy_id
    from considered
),

-- How often somebody may be contacted is for the pack to say; any other hold needs no row in it.
reasons as (
    select distinct
        holds.reason_code,
        coalesce(known_reasons.category, '') = 'frequency' as needs_rule
    from holds
    left join known_reasons
        on
            holds.reason_code = known_reasons.reason_code
            and {{ in_force('known_reasons') }}
),

-- Which channels a reason closes, and for how long. A hold that the pack does not speak of closes all, until lifted.
closures as (
    select distinct
        packs.policy_id,
        reasons.reason_code,
        channels.channel,
        binding_rules.blocks_days
    from packs
    cross join reasons
    cross join channels
    left join binding_rules
        on
            packs.policy_id = binding_rules.policy_id
            and reasons.reason_code = binding_rules.reason_code
            and (binding_rules.applies_to_channel is null or channels.channel = binding_rules.applies_to_channel)
    where
        binding_rules.reason_code is not null
        or (
            not reasons.needs_rule
            and not exists (
                select 1
                from binding_rules as spoken
                where
                    spoken.policy_id = packs.policy_id
                    and spoken.reason_code = reasons.reason_code
            )
        )
),

held as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        holds.reason_code
    from considered
    inner join holds
        on
            considered.customer_id = holds.customer_id
            and (holds.currency is null or considered.currency = holds.currency)
    inner join closures
        on
            considered.policy_id = closures.policy_id
            and considered.channel = closures.channel
            and holds.reason_code = closures.reason_code
            and (closures.blocks_days is null or {{ as_of_date() }} - holds.since_on < closures.blocks_days)
),

not_in_arrears as (
    select
        customer_id,
        currency,
        channel,
        'NOT_IN_ARREARS' as reason_code
    from considered
    where not is_in_arrears and not is_pre_due
),

-- Every loan in arrears of the row must be cured by what landed since.
cured as (
    select
        scope.customer_id,
        scope.currency
    from scope
    inner join loans
        on
            scope.customer_id = loans.customer_id
            and scope.currency = loans.currency
            and {{ holds('scope.loan_ids', 'loans.loan_id') }}
    left join paid_since on loans.loan_id = paid_since.loan_id
    where loans.days_past_due > 0
    group by scope.customer_id, scope.currency
    having bool_and(coalesce(paid_since.is_cured, false))
),

paid as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        'PAID_SINCE' as reason_code
    from considered
    inner join cured
        on
            considered.customer_id = cured.customer_id
            and considered.currency = cured.currency
    where considered.is_in_arrears
),

below_minimum as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        'BELOW_MINIMUM' as reason_code
    from considered
    inner join minimums
        on
            considered.policy_id = minimums.policy_id
            and (minimums.applies_to_channel is null or considered.channel = minimums.applies_to_channel)
    where
        considered.is_in_arrears
        and considered.arrears_amount < minimums.minimum_amount
),

refused as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        'CHANNEL_REFUSED' as reason_code
    from considered
    left join consents
        on
            considered.customer_id = consents.customer_id
            and considered.channel = consents.channel
    left join consent_rules
        on
            considered.policy_id = consent_rules.policy_id
            and consent_rules.requires_granted
            and (consent_rules.applies_to_channel is null or considered.channel = consent_rules.applies_to_channel)
    where
        consents.is_refused
        or (consent_rules.requires_granted and not coalesce(consents.is_granted, false))
),

-- Why none of the customer's contact points will do: each reason that speaks against one of them.
unreachable as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        choices.customer_id is not null as has_points,
        coalesce(choices.is_any_refused, false) as is_any_refused,
        coalesce(choices.is_any_invalid, false) as is_any_invalid,
        coalesce(choices.is_any_shared, false) as is_any_shared
    from considered
    left join choices
        on
            considered.customer_id = choices.customer_id
            and considered.channel = choices.channel
    where
        considered.contact_kind <> 'none'
        and choices.contact_point_id is null
),

without_point as (
    select
        unreachable.customer_id,
        unreachable.currency,
        unreachable.channel,
        why.reason_code
    from unreachable
    cross join
        lateral (
            values
            ('NO_CONTACT_POINT', not unreachable.has_points),
            ('CHANNEL_REFUSED', unreachable.is_any_refused),
            ('CONTACT_POINT_INVALID', unreachable.is_any_invalid),
            ('NUMBER_SHARED', unreachable.is_any_shared)
        ) as why (reason_code, applies)
    where why.applies
),

exhausted as (
    select
        allowances.customer_id,
        allowances.currency,
        allowances.policy_id,
        allowances.channel,
        why.reason_code
    from allowances
    cross join
        lateral (
            values
            ('FREQUENCY_DAY', {{ least_left('allowances', 'day') }} <= 0),
            ('FREQUENCY_PERIOD', {{ least_left('allowances', 'period') }} <= 0)
        ) as why (reason_code, applies)
    where why.applies
),

used_up as (
    select
        customer_id,
        currency,
        channel,
        reason_code
    from exhausted
    where customer_id is not null
    union all
    -- A pack that allows none at all: it is used up before anything happened.
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        exhausted.reason_code
    from considered
    inner join exhausted
        on
            considered.policy_id = exhausted.policy_id
            and considered.channel = exhausted.channel
    where exhausted.customer_id is null
),

closed as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        'CLOSED_TODAY' as reason_code
    from considered
    left join windows
        on
            considered.customer_id = windows.customer_id
            and considered.currency = windows.currency
            and considered.channel = windows.channel
    where windows.customer_id is null
),

untreated as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        case
            when treatments.customer_id is null then 'NOT_THIS_TIER'
            when not treatments.is_requirement_met then 'REQUIREMENT_NOT_MET'
            else 'NOT_APPROVED'
        end as reason_code
    from considered
    left join treatments
        on
            considered.customer_id = treatments.customer_id
            and considered.currency = treatments.currency
            and considered.channel = treatments.channel
    where
        treatments.customer_id is null
        or not treatments.is_requirement_met
        -- A referral to a lawyer is a proposal until two people approved it: `fct_contact_decision` adds that.
        or considered.channel = 'legal'
),

without_vendor as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        'VENDOR_DOWN' as reason_code
    from considered
    left join vendors
        on
            considered.customer_id = vendors.customer_id
            and considered.channel = vendors.channel
    where vendors.customer_id is null
)

select * from held
union distinct
select * from not_in_arrears
union distinct
select * from paid
union distinct
select * from below_minimum
union distinct
select * from refused
union distinct
select * from without_point
union distinct
select * from used_up
union distinct
select * from closed
union distinct
select * from untreated
union distinct
select * from without_vendor

{#- A channel that needs an address or a number, and the customer has none that will do. -#}
{%- set lacks_point = "channels.contact_kind <> 'none' and choices.contact_point_id is null" -%}

{%- set opens = 'greatest(hours.window_start, preferred.preferred_start)' -%}
{%- set closes = 'least(hours.window_end, preferred.preferred_end)' -%}
{%- set is_open = 'hours.channel is not null and ' ~ opens ~ ' < ' ~ closes -%}

{#- Unlogged: the largest table of a build, and nobody but the ledger of the same build reads it. -#}
{{ config(unlogged=true) }}

-- Inline: PostgreSQL reads what it wrote down as a whole in one process only, and all of this is one large join.
with scope as {{ inline() }} (
    select * from {{ ref('int_customers__scope') }}
),

channels as {{ inline() }} (
    select * from {{ ref('channels') }}
),

circumstances as (
    select * from {{ ref('int_customers__circumstance') }}
),

treatments as (
    select * from {{ ref('int_customers__treatment') }}
),

arms as (
    select * from {{ ref('int_customers__experiment') }}
),

choices as (
    select * from {{ ref('int_customers__contact_choice') }}
),

hours as (
    select * from {{ ref('int_policy__contact_hours') }}
),

preferred as (
    select * from {{ ref('int_customers__preferred_hours') }}
),

consents as (
    select * from {{ ref('int_customers__consent') }}
),

allowances as (
    select * from {{ ref('int_customers__contact_allowance') }}
),

assigned_vendors as (
    select * from {{ ref('int_customers__vendor') }}
),

vendors as (
    select * from {{ ref('vendors') }}
),

probabilities as (
    select * from {{ ref('payment_probabilities') }}
),

holds as {{ inline() }} (
    select * from {{ ref('int_customers__hold') }}
),

known_reasons as (
    select * from {{ ref('suppression_reasons') }}
),

paid_since as (
    select * from {{ ref('int_loans__paid_since') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

minimum_rules as (
    {{ policy_parameter('minimum_amount', 'numeric(18, 2)') }}
),

consent_rules as (
    {{ policy_parameter('requires_granted', 'boolean') }}
),

binding_rules as (
    {{ binding_rules() }}
),

packs as (
    select distinct policy_id
    from scope
),

-- What the packs say of a channel ------------------------------------------------------------------------------------
left_today as (
    select
        allowances.customer_id,
        allowances.currency,
        allowances.policy_id,
        allowances.channel,
        {{ least_left('allowances', 'day') }} <= 0 as is_day_used_up,
        {{ least_left('allowances', 'period') }} <= 0 as is_period_used_up
    from allowances
),

used_up as {{ inline() }} (
    select * from left_today
    where is_day_used_up or is_period_used_up
),

-- A pack that allows no contact at all: it is used up before anything happened, and of no customer.
rules as (
    select
        packs.policy_id,
        channels.channel,
        max(minimum_rules.minimum_amount) as minimum_amount,
        bool_or(consent_rules.requires_granted) as needs_consent,
        bool_or(used_up.is_day_used_up) as is_day_used_up,
        bool_or(used_up.is_period_used_up) as is_period_used_up
    from packs
    cross join channels
    left join minimum_rules
        on
            packs.policy_id = minimum_rules.policy_id
            and (minimum_rules.applies_to_channel is null or channels.channel = minimum_rules.applies_to_channel)
    left join consent_rules
        on
            packs.policy_id = consent_rules.policy_id
            and (consent_rules.applies_to_channel is null or channels.channel = consent_rules.applies_to_channel)
    left join used_up
        on
            used_up.customer_id is null
            and packs.policy_id = used_up.policy_id
            and channels.channel = used_up.channel
    group by packs.policy_id, channels.channel
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

-- What holds of the customer ------------------------------------------------------------------------------------------
held as (
    select
        scope.customer_id,
        scope.currency,
        closures.channel,
        {{ ordered_array('holds.reason_code', 'holds.reason_code') }} as reasons
    from scope
    inner join holds
        on
            scope.customer_id = holds.customer_id
            and (holds.currency is null or scope.currency = holds.currency)
    inner join closures
        on
            scope.policy_id = closures.policy_id
            and holds.reason_code = closures.reason_code
            and (closures.blocks_days is null or {{ as_of_date() }} - holds.since_on < closures.blocks_days)
    group by scope.customer_id, scope.currency, closures.channel
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
    where
        scope.is_in_arrears
        and loans.days_past_due > 0
    group by scope.customer_id, scope.currency
    having bool_and(coalesce(paid_since.is_cured, false))
)

-- Every customer, channel and currency, once. A referral to a lawyer is a proposal until two people approved it:
-- `fct_contact_decision` adds that.
select
    scope.customer_id,
    scope.currency,
    scope.policy_id,
    channels.channel,
    channels.medium,
    channels.position as channel_position,
    channels.planned_attempts,
    circumstances.has_asked_for_help,
    circumstances.has_reduced_payments,
    circumstances.has_income_shock,
    treatments.template_or_offer,
    treatments.tone,
    treatments.step,
    treatments.requires,
    choices.contact_point_id,
    choices.alternate_contact_point_id,
    case when {{ is_open }} then {{ opens }} end as window_start,
    case when {{ is_open }} then {{ closes }} end as window_end,
    assigned_vendors.vendor,
    assigned_vendors.collector_id,
    vendors.daily_capacity,
    -- Chance of paying because of the contact and not without it, times what is due, less what it costs. A vendor's
    -- cost is taken in the currency of the row: there is no exchange rate in the source, and this only orders the rows.
    cast(
        coalesce(probabilities.probability, 0) * (1 - scope.self_cure_probability) * scope.amount_due
        - coalesce(vendors.cost_per_attempt, 0)
        as numeric(18, 2)
    ) as expected_value,
    coalesce(held.reasons, {{ texts() }}) || {{ texts_where([
        ('NOT_IN_ARREARS', 'not scope.is_in_arrears and not scope.is_pre_due and not scope.is_warned'),
        ('PAID_SINCE', 'cured.customer_id is not null'),
        ('BELOW_MINIMUM', 'scope.is_in_arrears and scope.arrears_amount < rules.minimum_amount'),
        ('CHANNEL_REFUSED', 'consents.is_refused'),
        ('CHANNEL_REFUSED', 'rules.needs_consent and not coalesce(consents.is_granted, false)'),
        ('CHANNEL_REFUSED', lacks_point ~ ' and choices.is_any_refused'),
        ('NO_CONTACT_POINT', lacks_point ~ ' and choices.customer_id is null'),
        ('CONTACT_POINT_INVALID', lacks_point ~ ' and choices.is_any_invalid'),
        ('NUMBER_SHARED', lacks_point ~ ' and choices.is_any_shared'),
        ('FREQUENCY_DAY', 'personal.is_day_used_up or rules.is_day_used_up'),
        ('FREQUENCY_PERIOD', 'personal.is_period_used_up or rules.is_period_used_up'),
        ('CLOSED_TODAY', '(' ~ is_open ~ ') is not true'),
        ('NOT_THIS_TIER', 'treatments.customer_id is null'),
        ('REQUIREMENT_NOT_MET', 'not treatments.is_requirement_met'),
        ('SELF_CURE', "channels.channel = 'phone' and scope.is_likely_to_pay"),
        ('NOT_APPROVED', "channels.channel = 'legal' and treatments.is_requirement_met"),
        ('HOLDOUT', "arms.treatment = 'hold_out' and channels.is_optional"),
        ('VENDOR_DOWN', 'assigned_vendors.customer_id is null'),
    ]) }} as reasons
from scope
cross join channels
-- Each row has its own. Left all the same: of a join on two columns a planner expects fewer rows than there are, and
-- then puts the many into memory in place of the few.
left join circumstances
    on
        scope.customer_id = circumstances.customer_id
        and scope.currency = circumstances.currency
left join treatments
    on
        scope.customer_id = treatments.customer_id
        and scope.currency = treatments.currency
        and channels.channel = treatments.channel
left join arms
    on
        scope.customer_id = arms.customer_id
        and scope.currency = arms.currency
left join choices
    on
        scope.customer_id = choices.customer_id
        and channels.channel = choices.channel
left join hours
    on
        scope.policy_id = hours.policy_id
        and scope.jurisdiction = hours.jurisdiction
        and scope.time_zone is not distinct from hours.time_zone
        and channels.channel = hours.channel
-- Hours that the customer asked for narrow those of the pack.
left join preferred
    on
        scope.customer_id = preferred.customer_id
        and channels.channel = preferred.channel
left join assigned_vendors
    on
        scope.customer_id = assigned_vendors.customer_id
        and channels.channel = assigned_vendors.channel
left join vendors
    on
        assigned_vendors.vendor = vendors.vendor
        and assigned_vendors.channel = vendors.channel
left join probabilities
    on
        scope.tier = probabilities.tier
        and circumstances.promise_history = probabilities.history
left join consents
    on
        scope.customer_id = consents.customer_id
        and channels.channel = consents.channel
left join rules
    on
        scope.policy_id = rules.policy_id
        and channels.channel = rules.channel
left join held
    on
        scope.customer_id = held.customer_id
        and scope.currency = held.currency
        and channels.channel = held.channel
left join cured
    on
        scope.customer_id = cured.customer_id
        and scope.currency = cured.currency
left join used_up as personal
    on
        scope.customer_id = personal.customer_id
        and scope.currency = personal.currency
        and channels.channel = personal.channel

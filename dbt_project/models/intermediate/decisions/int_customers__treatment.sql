with scope as (
    select * from {{ ref('int_customers__scope') }}
),

circumstances as (
    select * from {{ ref('int_customers__circumstance') }}
),

arms as (
    select * from {{ ref('int_customers__experiment') }}
),

channels as (
    select * from {{ ref('channels') }}
),

standard as (
    select * from {{ ref('treatments') }}
),

challengers as (
    select * from {{ ref('challenger_treatments') }}
),

treatments as (
    select
        'standard' as treatment,
        standard.tier,
        standard.dpd_from,
        standard.dpd_to,
        standard.channel,
        standard.template_or_offer,
        standard.tone,
        standard.step,
        standard.requires
    from standard
    where {{ in_force('standard') }}
    union all
    select
        challengers.treatment,
        challengers.tier,
        challengers.dpd_from,
        challengers.dpd_to,
        challengers.channel,
        challengers.template_or_offer,
        challengers.tone,
        challengers.step,
        challengers.requires
    from challengers
    where {{ in_force('challengers') }}
),

-- In a tier of which his arm's treatment speaks, it stands in place of the standard where contact is optional.
challenged as (
    select distinct
        arms.customer_id,
        arms.currency,
        treatments.tier,
        treatments.treatment
    from arms
    inner join treatments on arms.treatment = treatments.treatment
    where treatments.treatment <> 'standard'
),

-- Hardship turns collection into care: nothing but care is used.
used as (
    select
        scope.customer_id,
        scope.currency,
        treatments.channel,
        treatments.template_or_offer,
        treatments.tone,
        treatments.step,
        treatments.requires,
        case coalesce(treatments.requires, 'nothing')
            when 'nothing' then true
            when 'senior_collector' then true
            when 'lost_contact' then circumstances.is_lost_contact
            when 'wilful' then circumstances.is_wilful
            when 'hardship' then circumstances.has_hardship
            else false
        end as is_requirement_met
    from scope
    inner join circumstances
        on
            scope.customer_id = circumstances.customer_id
            and scope.currency = circumstances.currency
    left join challenged
        on
            scope.customer_id = challenged.customer_id
            and scope.currency = challenged.currency
            and scope.tier = challenged.tier
    inner join treatments
        on
            scope.tier = treatments.tier
            and scope.days_past_due_counted >= coalesce(treatments.dpd_from, 0)
            and scope.days_past_due_counted <= coalesce(treatments.dpd_to, scope.days_past_due_counted)
            and (treatments.channel = 'care' or not circumstances.has_hardship)
            -- Where no day counts as overdue and nothing is due soon, only those are treated of whom a model warns.
            and (scope.days_past_due_counted > 0 or scope.is_pre_due or scope.is_written_off or scope.is_warned)
    inner join channels on treatments.channel = channels.channel
    where
        treatments.treatment
        = case when channels.is_optional then coalesce(challenged.treatment, 'standard') else 'standard' end
),

chosen as (
    {{ first_of_each(
        'used',
        'customer_id, currency, channel',
        'is_requirement_met desc nulls first, step asc nulls last, template_or_offer asc nulls last'
    ) }}
)

select
    customer_id,
    currency,
    channel,
    template_or_offer,
    tone,
    step,
    requires,
    is_requirement_met
from chosen

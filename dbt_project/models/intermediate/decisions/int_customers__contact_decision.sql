{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=false,
    indexes=[{'columns': ['as_of', 'channel', 'customer_id', 'currency'], 'unique': true}],
    pre_hook="{{ delete_unsealed_day() }}",
    post_hook="{{ index_ledger() }}",
) }}

with recursive scope as {{ inline() }} (
    select * from {{ ref('int_customers__scope') }}
),

considered as {{ inline() }} (
    select * from {{ ref('int_customers__considered') }}
),

reasons as (
    select * from {{ ref('suppression_reasons') }}
),

allowances as (
    select * from {{ ref('int_customers__contact_allowance') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

approver_rules as (
    {{ policy_parameter('approvers', 'integer') }}
),

wait_rules as (
    {{ policy_parameter('longest_wait_days', 'integer') }}
),

sealed_days as (
    select * from {{ source('ops', 'sealed_day') }}
),

ledger as (
    {{ published_decisions() }}
),

-- Apart from the rows: a query that is spoken of twice is kept as a whole, and the ledger holds years.
ledger_days as (
    {{ published_decisions() }}
),

-- Which build this is -----------------------------------------------------------------------------------------------
current_build as (
    {{ unsealed_generation() }}
),

approvals as (
    select
        policy_id,
        max(approvers) as approvals_required
    from approver_rules
    group by policy_id
),

longest_waits as (
    select
        policy_id,
        min(longest_wait_days) as longest_wait_days
    from wait_rules
    group by policy_id
),

-- Days on which the customer could have been contacted and was not: for want of capacity, or because the list never
-- left. Each day adds to the figure of the last one before it, so only that day is read.
last_day as (
    select
        ledger.customer_id,
        ledger.currency,
        ledger.channel,
        case
            when ledger.decision = 'contact' and sealed_days.as_of is not null then 0
            when ledger.decision = 'contact' or {{ holds('ledger.all_reasons', "'CAPACITY'") }}
                then coalesce(ledger.days_waited, 0) + 1
            else coalesce(ledger.days_waited, 0)
        end as days_waited
    from ledger
    inner join current_build on ledger.generation = current_build.generation
    left join sealed_days
        on
            ledger.generation = sealed_days.generation
            and ledger.as_of = sealed_days.as_of
    where
        ledger.as_of = (
            select max(ledger_days.as_of)
            from ledger_days
            where ledger_days.as_of < {{ as_of_date() }}
        )
),

-- Most rows wait for nothing.
waiting as (
    select * from last_day
    where days_waited > 0
),

attempts as (
    select
        customer_id,
        medium,
        disposition,
        occurred_at,
        source_key
    from events
    where
        direction = 'outbound'
        and occurred_on <= {{ as_of_date() }}
),

last_attempts as (
    {{ first_of_each('attempts', 'customer_id, medium', 'occurred_at desc, source_key desc') }}
),

-- What several contacts of one customer take from each other ---------------------------------------------------------
permitted as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        considered.medium,
        considered.channel_position,
        considered.planned_attempts,
        considered.step,
        considered.vendor,
        considered.daily_capacity,
        considered.expected_value,
        considered.reasons,
        waiting.days_waited,
        longest_waits.longest_wait_days,
        {{ for_each_limit('coalesce(personal.@limit, usual.@limit) as @limit') }}
    from considered
    left join waiting
        on
            considered.customer_id = waiting.customer_id
            and considered.currency = waiting.currency
            and considered.channel = waiting.channel
    left join longest_waits on considered.policy_id = longest_waits.policy_id
    left join allowances as personal
        on
            considered.customer_id = personal.customer_id
            and considered.currency = personal.currency
            and considered.channel = personal.channel
    left join allowances as usual
        on
            usual.customer_id is null
            and considered.policy_id = usual.policy_id
            and considered.channel = usual.channel
    where {{ array_size(array_without('considered.reasons', "'NOT_APPROVED'")) }} = 0
),

ordered as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by step asc, channel_position asc, expected_value desc, currency asc
        ) as turn
    from permitted
),

in_turn as (
    {{ granted_in_turn('ordered') }}
),

granted as (
    select
        ordered.customer_id,
        ordered.currency,
        ordered.channel,
        ordered.vendor,
        ordered.daily_capacity,
        ordered.expected_value,
        ordered.reasons,
        in_turn.attempts,
        md5(concat_ws('|', ordered.customer_id, ordered.currency, ordered.channel, {{ as_of_date() }}))
            as tie_breaker,
        case
            when ordered.days_waited >= ordered.longest_wait_days then ordered.days_waited
            else 0
        end as days_overdue,
        in_turn.left_day <= 0 as is_day_used_up,
        in_turn.left_period <= 0 as is_period_used_up
    from ordered
    inner join in_turn
        on
            ordered.customer_id = in_turn.customer_id
            and ordered.turn = in_turn.turn
),

-- Who has waited longest goes first, once that is longer than anybody should; otherwise the expected value decides.
ranked as (
    select
        *,
        case
            when attempts > 0
                then row_number() over (
                    partition by channel, vendor, attempts > 0
                    order by days_overdue desc, expected_value desc, tie_breaker asc
                )
        end as priority
    from granted
),

contested as (
    select
        customer_id,
        currency,
        channel,
        attempts,
        priority,
        reasons || {{ texts_where([
            ('FREQUENCY_DAY', 'is_day_used_up'),
            ('FREQUENCY_PERIOD', 'is_period_used_up'),
            ('CAPACITY', 'priority > daily_capacity'),
        ]) }} as reasons
    from ranked
),

-- All reasons, in the order of the seed: each set of them is put in order once, and many rows share it. A reason that
-- the seed does not order holds all the same, and comes first ---------------------------------------------------------
sets as (
    select reasons from considered
    union distinct
    select reasons from contested
),

members as (
    select distinct
        sets.reasons,
        member.reason_code
    from sets
    cross join lateral ({{ rows_of('sets.reasons', 'reason_code') }}) as member -- noqa: ST05
),

explained as (
    select
        members.reasons,
        {{ ordered_array('members.reason_code', 'coalesce(reasons."order", 0), members.reason_code') }} as all_reasons
    from members
    left join reasons
        on
            members.reason_code = reasons.reason_code
            and {{ in_force('reasons') }}
    group by members.reasons
)

select
    {{ as_of_date() }} as as_of,
    current_build.generation,
    considered.customer_id,
    considered.channel,
    considered.currency,
    considered.customer_id as contact_customer_id,
    considered.vendor,
    considered.policy_id,
    '{{ var('policy_version', none) or 'unversioned' }}' as policy_version,
    scope.tier,
    scope.days_past_due,
    scope.arrears_amount,
    cast(contested.priority as integer) as priority,
    considered.expected_value,
    'champion' as arm,
    considered.contact_point_id,
    considered.alternate_contact_point_id,
    considered.window_start,
    considered.window_end,
    cast(contested.attempts as integer) as attempts,
    considered.template_or_offer,
    considered.tone,
    considered.requires,
    scope.amount_due,
    scope.oldest_unpaid_due_date,
    scope.outstanding_principal,
    scope.last_payment_on,
    scope.last_payment_amount,
    last_attempts.disposition as last_disposition,
    scope.loan_ids,
    coalesce(waiting.days_waited, 0) as days_waited,
    case when explained.all_reasons is null then 'contact' else 'suppress' end as decision,
    explained.all_reasons[1] as reason_code,
    coalesce(explained.all_reasons, {{ texts() }}) as all_reasons,
    case
        when considered.channel <> 'care' then null
        when considered.has_asked_for_help then 'hardship_requested'
        when considered.has_reduced_payments then 'reduced_payments'
        when scope.is_written_off then 'written_off'
    end as care_reason,
    case when scope.is_in_arrears then scope.oldest_unpaid_due_date else scope.next_due_date end
        as due_date,
    coalesce(considered.collector_id, case when considered.requires = 'senior_collector' then 'senior' end)
        as collector_hint,
    coalesce(approvals.approvals_required, 2) as approvals_required
from considered
cross join current_build
inner join scope
    on
        considered.customer_id = scope.customer_id
        and considered.currency = scope.currency
left join contested
    on
        considered.customer_id = contested.customer_id
        and considered.currency = contested.currency
        and considered.channel = contested.channel
left join explained on coalesce(contested.reasons, considered.reasons) = explained.reasons
left join waiting
    on
        considered.customer_id = waiting.customer_id
        and considered.currency = waiting.currency
        and considered.channel = waiting.channel
left join last_attempts
    on
        considered.customer_id = last_attempts.customer_id
        and considered.medium = last_attempts.medium
left join approvals on considered.policy_id = approvals.policy_id
-- As the index has them: whoever reads a day or a channel of it then reads one stretch of the ledger.
order by considered.channel, considered.customer_id, considered.currency

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=false,
    meta={'in_one_step': true},
    indexes=[{'columns': ['as_of', 'channel', 'customer_id', 'currency'], 'unique': true}],
    pre_hook="{{ delete_unsealed_day() }}",
    post_hook="{{ index_ledger() }}",
) }}

-- An insert runs in one process: what can be made before is made before, and what competes is worked out in
-- `int_customers__contact_turn`. The rows are not sorted: a quarter of the time went there, and a day lies together.
with scope as {{ inline() }} (
    select * from {{ ref('int_customers__scope') }}
),

considered as {{ inline() }} (
    select * from {{ ref('int_customers__considered') }}
),

contested as {{ inline() }} (
    select * from {{ ref('int_customers__contact_turn') }}
),

waiting as (
    select * from {{ ref('int_customers__days_waited') }}
),

arms as (
    select * from {{ ref('int_customers__experiment') }}
),

reasons as (
    select * from {{ ref('suppression_reasons') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

approver_rules as (
    {{ policy_parameter('approvers', 'integer') }}
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
    {{ policy_version() }} as policy_version,
    scope.tier,
    scope.product,
    scope.jurisdiction,
    scope.days_past_due,
    scope.arrears_amount,
    cast(contested.priority as integer) as priority,
    considered.expected_value,
    arms.experiment,
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
    coalesce(arms.arm, 'champion') as arm,
    case when explained.all_reasons is null then 'contact' else 'suppress' end as decision,
    explained.all_reasons[1] as reason_code,
    coalesce(explained.all_reasons, {{ texts() }}) as all_reasons,
    case
        when considered.channel <> 'care' then null
        when considered.has_asked_for_help then 'hardship_requested'
        when considered.has_reduced_payments then 'reduced_payments'
        when considered.has_income_shock then 'income_shock'
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
left join arms
    on
        considered.customer_id = arms.customer_id
        and considered.currency = arms.currency
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

{{ config(materialized='view') }}

with ledger as (
    select * from {{ ref('int_customers__contact_decision') }}
),

approvals as (
    select * from {{ source('ops', 'legal_approval') }}
),

items as (
    select * from {{ source('ops', 'delivery_item') }}
),

batches as (
    select * from {{ source('ops', 'delivery_batch') }}
),

-- Two different people, and nobody against it.
verdicts as (
    select
        generation,
        as_of,
        customer_id,
        currency,
        count(distinct approver) filter (where is_approved) as approvers,
        bool_or(not is_approved) as is_refused
    from approvals
    group by generation, as_of, customer_id, currency
),

listed as (
    select
        batches.generation,
        batches.as_of,
        batches.channel,
        batches.sequence,
        batches.batch_id,
        items.customer_id,
        items.currency,
        items.contact_ref
    from batches
    inner join items on batches.batch_id = items.batch_id
    where
        batches.kind = 'contact_list'
        and batches.state <> 'superseded'
),

planned as (
    {{ first_of_each('listed', 'generation, as_of, channel, customer_id, currency', 'sequence desc') }}
),

approved as (
    select
        ledger.*,
        case
            when
                ledger.channel = 'legal'
                and verdicts.approvers >= ledger.approvals_required
                and not verdicts.is_refused
                then {{ array_without('ledger.all_reasons', "'NOT_APPROVED'") }}
            else ledger.all_reasons
        end as reasons_left
    from ledger
    left join verdicts
        on
            ledger.generation = verdicts.generation
            and ledger.as_of = verdicts.as_of
            and ledger.customer_id = verdicts.customer_id
            and ledger.currency = verdicts.currency
)

select
    approved.as_of,
    approved.customer_id,
    approved.channel,
    approved.currency,
    approved.contact_customer_id,
    approved.vendor,
    planned.contact_ref,
    approved.reasons_left as all_reasons,
    approved.policy_id,
    approved.policy_version,
    approved.tier,
    approved.product,
    approved.jurisdiction,
    approved.days_past_due,
    approved.arrears_amount,
    approved.priority,
    approved.expected_value,
    approved.experiment,
    approved.arm,
    approved.contact_point_id,
    approved.window_start,
    approved.window_end,
    planned.batch_id,
    approved.attempts,
    approved.template_or_offer,
    approved.requires,
    case when {{ array_size('approved.reasons_left') }} = 0 then 'contact' else 'suppress' end as decision,
    approved.reasons_left[1] as reason_code
from approved
left join planned
    on
        approved.generation = planned.generation
        and approved.as_of = planned.as_of
        and approved.channel = planned.channel
        and approved.customer_id = planned.customer_id
        and approved.currency = planned.currency

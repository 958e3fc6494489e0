{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with plans as (
    select * from {{ ref('stg_vendor__plan') }}
),

approvals as (
    select * from {{ source('ops', 'legal_approval') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
),

attempts as (
    select * from {{ ref('fct_contact_attempt') }}
),

decisions as (
    select * from {{ ref('int_customers__contact_decision') }}
),

horizon as (
    select * from {{ ref('int_builds__horizon') }}
),

-- What left for the lawyer. Money that comes in is that of the newest referral before it.
referrals as (
    select
        batch_id,
        contact_ref,
        customer_id,
        currency,
        vendor,
        as_of as referred_on,
        lead(as_of) over (partition by customer_id, currency order by as_of, batch_id) as next_referred_on
    from plans
    where
        channel = 'legal'
        and state in ('uploaded', 'acknowledged', 'closed')
),

approved as (
    select
        as_of,
        customer_id,
        currency,
        {{ ordered_array('approver', 'approver', 'is_approved') }} as approved_by
    from approvals
    where generation = (select max(generations.generation) from generations)
    group by as_of, customer_id, currency
),

reported as (
    select
        batch_id,
        contact_ref,
        cast(min(attempted_at) filter (where disposition = 'filed') at time zone {{ bank_time_zone() }} as date)
            as filed_on,
        cast(min(attempted_at) filter (where disposition = 'settled') at time zone {{ bank_time_zone() }} as date)
            as settled_on,
        cast(min(attempted_at) filter (where disposition = 'returned') at time zone {{ bank_time_zone() }} as date)
            as returned_on,
        {{ cost_of_all() }} as cost
    from attempts
    where channel = 'legal'
    group by batch_id, contact_ref
),

payments as (
    {{ payment_effects(loans_of('referrals')) }}
),

recovered as (
    select
        referrals.batch_id,
        referrals.contact_ref,
        sum(payments.amount) as amount
    from referrals
    cross join horizon
    left join reported
        on
            referrals.batch_id = reported.batch_id
            and referrals.contact_ref = reported.contact_ref
    inner join payments
        on
            referrals.customer_id = payments.customer_id
            and referrals.currency = payments.currency
            and referrals.referred_on <= payments.paid_on
            and horizon.known_until >= payments.counts_from
            and (referrals.next_referred_on is null or referrals.next_referred_on > payments.paid_on)
            and (reported.returned_on is null or reported.returned_on >= payments.paid_on)
    group by referrals.batch_id, referrals.contact_ref
)

select
    referrals.batch_id,
    referrals.contact_ref,
    referrals.customer_id,
    referrals.currency,
    referrals.vendor,
    referrals.referred_on,
    approved.approved_by,
    reported.filed_on,
    reported.settled_on,
    reported.returned_on,
    decisions.days_past_due,
    decisions.arrears_amount,
    cast(case when reported.batch_id is null then 0 else reported.cost end as numeric(18, 4)) as cost,
    cast(greatest(0, coalesce(recovered.amount, 0)) as numeric(18, 2)) as recovered,
    case
        when reported.returned_on is not null then 'returned'
        when reported.settled_on is not null then 'settled'
        when reported.filed_on is not null then 'filed'
        else 'referred'
    end as state
from referrals
left join approved
    on
        referrals.referred_on = approved.as_of
        and referrals.customer_id = approved.customer_id
        and referrals.currency = approved.currency
left join reported
    on
        referrals.batch_id = reported.batch_id
        and referrals.contact_ref = reported.contact_ref
left join recovered
    on
        referrals.batch_id = recovered.batch_id
        and referrals.contact_ref = recovered.contact_ref
left join decisions
    on
        referrals.referred_on = decisions.as_of
        and decisions.channel = 'legal'
        and referrals.customer_id = decisions.customer_id
        and referrals.currency = decisions.currency

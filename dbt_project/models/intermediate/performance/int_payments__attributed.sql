with assignments as (
    select * from {{ ref('stg_core_banking__collector_assignments') }}
),

collectors as (
    select * from {{ ref('stg_core_banking__collectors') }}
),

horizon as (
    select * from {{ ref('int_builds__horizon') }}
),

talks as (
    {{ talks() }}
),

-- Nobody earns money of a customer whom no collector spoke with or was given.
worked as (
    select customer_id from talks
    union distinct
    select customer_id from assignments
),

effects as (
    {{ payment_effects(loans_of('worked')) }}
),

-- What is left of each payment after its reversals.
payments as (
    select
        effects.payment_id,
        effects.loan_id,
        effects.customer_id,
        effects.currency,
        effects.paid_on,
        cast(sum(effects.amount) as numeric(18, 2)) as amount
    from effects
    inner join horizon on effects.counts_from <= horizon.known_until
    group by effects.payment_id, effects.loan_id, effects.customer_id, effects.currency, effects.paid_on
    having sum(effects.amount) > 0
),

-- A payment has no time of day: a conversation on its day came before it.
earlier_talks as (
    select
        payments.payment_id,
        talks.attempted_at,
        talks.contact_ref,
        talks.collector_id,
        talks.vendor,
        talks.channel,
        talks.tier
    from payments
    inner join talks
        on
            payments.customer_id = talks.customer_id
            and payments.paid_on >= talks.talked_on
            and talks.talked_on >= payments.paid_on - {{ attribution_days() }}
),

by_contact as (
    {{ first_of_each('earlier_talks', 'payment_id', latest_talk_first()) }}
),

assigned_then as (
    select
        payments.payment_id,
        assignments.assigned_on,
        assignments.collector_id,
        collectors.vendor,
        collectors.channel
    from payments
    inner join assignments
        on
            payments.customer_id = assignments.customer_id
            and payments.paid_on >= assignments.assigned_on
            and (assignments.released_on is null or payments.paid_on < assignments.released_on)
    left join collectors on assignments.collector_id = collectors.collector_id
),

by_assignment as (
    {{ first_of_each('assigned_then', 'payment_id', 'assigned_on desc, collector_id asc') }}
)

select
    payments.payment_id,
    payments.loan_id,
    payments.customer_id,
    payments.currency,
    payments.paid_on,
    cast(date_trunc('month', payments.paid_on) as date) as paid_month,
    payments.amount,
    by_contact.tier,
    by_contact.contact_ref,
    case
        when by_contact.payment_id is not null then 'contact'
        when by_assignment.payment_id is not null then 'assignment'
        else 'none'
    end as attributed_by,
    coalesce(by_contact.collector_id, by_assignment.collector_id) as collector_id,
    case when by_contact.payment_id is not null then by_contact.vendor else by_assignment.vendor end as vendor,
    case when by_contact.payment_id is not null then by_contact.channel else by_assignment.channel end as channel
from payments
left join by_contact on payments.payment_id = by_contact.payment_id
left join by_assignment on payments.payment_id = by_assignment.payment_id

with events as (
    select * from {{ ref('int_customers__contact_event') }}
),

promises as (
    select * from {{ ref('int_customers__promise') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

effects as (
    {{ known_effects('loan_id in (' ~ loans_of(ref('int_customers__promise')) ~ ')') }}
),

payments as (
    select
        terms.customer_id,
        terms.currency,
        effects.original_effective_on as paid_on,
        effects.known_on,
        effects.amount
    from effects
    inner join terms
        on effects.loan_id = terms.loan_id
    where effects.kind in ('repayment', 'recovery')
),

-- Judged once, the day after its last one, by what was known until then.
judged as (
    select
        promise_id,
        customer_id,
        currency,
        promised_on,
        last_day,
        amount,
        greatest(last_day + 1, known_on) as judged_on
    from promises
),

paid as (
    select
        judged.promise_id,
        sum(payments.amount) as amount
    from judged
    inner join payments
        on
            judged.customer_id = payments.customer_id
            and judged.currency = payments.currency
            and judged.promised_on <= payments.paid_on
            and judged.last_day >= payments.paid_on
            and judged.judged_on > payments.known_on
    group by judged.promise_id
),

days as (
    select
        customer_id,
        'attempted' as what,
        known_on
    from events
    where
        direction = 'outbound'
        and medium <> 'legal'
    union all
    select
        customer_id,
        'talked' as what,
        known_on
    from events
    where
        is_right_party
        and medium not in ('sms', 'legal')
    union all
    select
        customer_id,
        'unreachable' as what,
        known_on
    from events
    where suppresses = 'CONTACT_POINT_INVALID' or disposition = 'undelivered'
    union all
    select
        judged.customer_id,
        'promise_broken' as what,
        judged.judged_on as known_on
    from judged
    left join paid
        on judged.promise_id = paid.promise_id
    where
        judged.amount > 0
        and coalesce(paid.amount, 0) < judged.amount
)

select
    customer_id,
    {{ ordered_array('known_on', 'known_on', "what = 'attempted'") }} as attempted_on,
    {{ ordered_array('known_on', 'known_on', "what = 'talked'") }} as talked_on,
    {{ ordered_array('known_on', 'known_on', "what = 'unreachable'") }} as unreachable_on,
    {{ ordered_array('known_on', 'known_on', "what = 'promise_broken'") }} as promise_broken_on
from days
where known_on <= {{ as_of_date() }}
group by customer_id

with scope as (
    select * from {{ ref('int_customers__scope') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

signs as (
    select * from {{ ref('int_customers__hardship_sign') }}
),

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

instalments as (
    select * from {{ ref('int_instalments__cumulative') }}
),

promises as (
    {{ promise_states(as_of_date()) }}
),

-- Nobody reached ----------------------------------------------------------------------------------------------------
tries as (
    select
        customer_id,
        count(*) filter (where direction = 'outbound') as attempts,
        count(distinct occurred_on) filter (where direction = 'outbound') as days,
        count(distinct case when local_hour < 12 then 1 when local_hour < 17 then 2 else 3 end)
        filter (where direction = 'outbound') as times_of_day,
        bool_or(is_right_party) as is_reached
    from events
    where
        occurred_on <= {{ as_of_date() }}
        and occurred_on > {{ as_of_date() }} - 30
        and channel not in ('legal')
    group by customer_id
),

-- Wilful default ----------------------------------------------------------------------------------------------------
refusals as (
    select distinct customer_id
    from events
    where
        disposition = 'refused'
        and occurred_on <= {{ as_of_date() }}
        and occurred_on > {{ as_of_date() }} - 90
),

promise_history as (
    select
        customer_id,
        count(*) filter (where status = 'broken') as broken,
        count(*) filter (where status = 'partly_kept') as partly_kept,
        count(*) filter (where status = 'kept') as kept
    from promises
    where
        last_day <= {{ as_of_date() }}
        and last_day > {{ as_of_date() }} - 90
    group by customer_id
),

-- Few refuse or break their promises: only of them is asked whether they could pay.
suspects as (
    select customer_id from refusals
    union distinct
    select customer_id
    from promise_history
    where broken >= 2
),

payments as (
    {{ payment_effects(loans_of('suspects')) }}
),

-- Money for a loan that is on no row of arrears shows that the customer can pay. What bounced was no repayment.
paid_loans as (
    select
        payments.customer_id,
        payments.loan_id
    from payments
    where
        payments.paid_on > {{ as_of_date() }} - 90
        and payments.counts_from <= {{ as_of_date() }}
    group by payments.customer_id, payments.loan_id
    having sum(payments.amount) > 0
),

paid_elsewhere as (
    select distinct
        scope.customer_id,
        scope.currency
    from scope
    inner join paid_loans on scope.customer_id = paid_loans.customer_id
    left join loans
        on
            paid_loans.loan_id = loans.loan_id
            and scope.currency = loans.currency
            and loans.arrears_amount > 0
    where loans.loan_id is null
),

dues as (
    select
        loans.loan_id,
        loans.customer_id,
        loans.currency,
        instalments.amount_due,
        row_number() over (partition by loans.loan_id order by instalments.position desc) as recency
    from loans
    inner join suspects on loans.customer_id = suspects.customer_id
    inner join instalments
        on
            loans.loan_id = instalments.loan_id
            and loans.schedule_version = instalments.schedule_version
            and instalments.due_on < {{ as_of_date() }}
),

monthly_dues as (
    select
        customer_id,
        currency,
        sum(amount_due) as amount
    from dues
    where recency = 1
    group by customer_id, currency
),

hardship as (
    select
        customer_id,
        currency,
        bool_or(sign = 'hardship_requested') as has_asked_for_help,
        bool_or(sign = 'reduced_payments') as has_reduced_payments,
        bool_or(sign = 'income_shock') as has_income_shock
    from signs
    group by customer_id, currency
)

select
    scope.customer_id,
    scope.currency,
    (
        tries.attempts >= 5
        and tries.days >= 3
        and tries.times_of_day >= 2
        and not tries.is_reached
    ) is true as is_out_of_reach,
    coalesce(hardship.has_asked_for_help, false) as has_asked_for_help,
    coalesce(hardship.has_reduced_payments, false) as has_reduced_payments,
    coalesce(hardship.has_income_shock, false) as has_income_shock,
    hardship.customer_id is not null as has_hardship,
    (
        (refusals.customer_id is not null or coalesce(promise_history.broken, 0) >= 2)
        and (
            paid_elsewhere.customer_id is not null
            or customers.monthly_income >= 3 * monthly_dues.amount
        )
        and hardship.customer_id is null
    ) is true as seems_wilful,
    case
        when promise_history.broken + promise_history.partly_kept > 0 then 'broken_promise'
        when coalesce(promise_history.kept, 0) > 0 then 'kept_promise'
        else 'none'
    end as promise_history
from scope
inner join customers on scope.customer_id = customers.customer_id
left join tries on scope.customer_id = tries.customer_id
left join refusals on scope.customer_id = refusals.customer_id
left join promise_history on scope.customer_id = promise_history.customer_id
left join paid_elsewhere
    on
        scope.customer_id = paid_elsewhere.customer_id
        and scope.currency = paid_elsewhere.currency
left join monthly_dues
    on
        scope.customer_id = monthly_dues.customer_id
        and scope.currency = monthly_dues.currency
left join hardship
    on
        scope.customer_id = hardship.customer_id
        and scope.currency = hardship.currency

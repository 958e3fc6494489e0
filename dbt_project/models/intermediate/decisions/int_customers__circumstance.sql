with scope as (
    select * from {{ ref('int_customers__scope') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

holds as (
    select * from {{ ref('int_customers__hold') }}
),

points as (
    select * from {{ ref('int_contact_points__usable') }}
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

versions as (
    select * from {{ ref('int_schedule_versions__in_force') }}
),

promises as (
    {{ promise_states(as_of_date()) }}
),

-- Lost contact ------------------------------------------------------------------------------------------------------
numbers as (
    select
        customer_id,
        bool_and(is_invalid) as is_all_invalid
    from points
    where point_group = 'phone'
    group by customer_id
),

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
        count(*) filter (where status in ('broken', 'partly_kept')) as broken,
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

-- Loans of those in arrears, where something may be read from what fell due and what was paid.
cases as (
    select
        loans.loan_id,
        loans.customer_id,
        loans.currency,
        suspects.customer_id is not null as is_suspect
    from loans
    inner join scope
        on
            loans.customer_id = scope.customer_id
            and loans.currency = scope.currency
    left join suspects on loans.customer_id = suspects.customer_id
    where scope.is_in_arrears or suspects.customer_id is not null
),

payers as (
    select distinct customer_id
    from cases
),

-- Spoken of twice below: only of those concerned, and no further back than either looks.
payments as (
    select effects.*
    from {{ ref('int_payments__effect') }} as effects
    inner join payers on effects.customer_id = payers.customer_id
    where
        effects.counts_from <= {{ as_of_date() }}
        and (
            effects.counts_from > {{ as_of_date() }} - 90
            or effects.paid_on >= cast(date_trunc('month', {{ as_of_date() }}) - interval '2 months' as date)
        )
),

late_loans as (
    select
        loan_id,
        currency
    from {{ ref('int_loans__delinquency') }}
    where arrears_amount > 0
),

-- Money for a loan that is on no row of arrears shows that the customer can pay.
paid_elsewhere as (
    select distinct
        scope.customer_id,
        scope.currency
    from scope
    inner join suspects on scope.customer_id = suspects.customer_id
    inner join payments
        on
            scope.customer_id = payments.customer_id
            and payments.amount > 0
            and payments.counts_from > {{ as_of_date() }} - 90
    left join late_loans
        on
            payments.loan_id = late_loans.loan_id
            and scope.currency = late_loans.currency
    where late_loans.loan_id is null
),

dues as (
    select
        cases.loan_id,
        cases.customer_id,
        cases.currency,
        cases.is_suspect,
        instalments.due_on,
        instalments.amount_due,
        row_number() over (partition by cases.loan_id order by instalments.position desc) as recency
    from cases
    inner join versions
        on
            cases.loan_id = versions.loan_id
            and versions.in_force_from <= {{ as_of_date() }}
            and versions.in_force_to > {{ as_of_date() }}
    inner join instalments
        on
            versions.loan_id = instalments.loan_id
            and versions.schedule_version = instalments.schedule_version
            and instalments.due_on < {{ as_of_date() }}
),

monthly_dues as (
    select
        customer_id,
        currency,
        sum(amount_due) as amount
    from dues
    where recency = 1 and is_suspect
    group by customer_id, currency
),

-- A sign of hardship: in each of the last two months something was paid, and less than fell due.
months as (
    select
        cast(date_trunc('month', {{ as_of_date() }}) - interval '2 months' as date) as month_from,
        cast(date_trunc('month', {{ as_of_date() }}) - interval '1 month' as date) as month_to
    union all
    select
        cast(date_trunc('month', {{ as_of_date() }}) - interval '1 month' as date) as month_from,
        cast(date_trunc('month', {{ as_of_date() }}) as date) as month_to
),

due_by_month as (
    select
        dues.customer_id,
        dues.currency,
        months.month_from,
        sum(dues.amount_due) as amount
    from dues
    inner join months
        on
            dues.due_on >= months.month_from
            and dues.due_on < months.month_to
    group by dues.customer_id, dues.currency, months.month_from
),

paid_by_month as (
    select
        payments.customer_id,
        payments.currency,
        months.month_from,
        sum(payments.amount) as amount
    from payments
    inner join months
        on
            payments.paid_on >= months.month_from
            and payments.paid_on < months.month_to
    group by payments.customer_id, payments.currency, months.month_from
),

reduced as (
    select
        due_by_month.customer_id,
        due_by_month.currency
    from due_by_month
    inner join paid_by_month
        on
            due_by_month.customer_id = paid_by_month.customer_id
            and due_by_month.currency = paid_by_month.currency
            and due_by_month.month_from = paid_by_month.month_from
    where
        paid_by_month.amount > 0
        and paid_by_month.amount < due_by_month.amount
    group by due_by_month.customer_id, due_by_month.currency
    having count(*) = 2
),

held as (
    select
        customer_id,
        bool_or(reason_code = 'HARDSHIP_REQUESTED') as has_asked_for_help,
        bool_or(reason_code in ('HARDSHIP_REQUESTED', 'HARDSHIP_ACTIVE')) as has_hardship_hold,
        bool_or(reason_code in ('DISPUTED', 'VULNERABLE', 'COMPLAINT_OPEN')) as has_other_hold
    from holds
    group by customer_id
)

select
    scope.customer_id,
    scope.currency,
    (
        coalesce(numbers.is_all_invalid, true)
        or (
            tries.attempts >= 5
            and tries.days >= 3
            and tries.times_of_day >= 2
            and not tries.is_reached
        )
    ) is true as is_lost_contact,
    coalesce(held.has_asked_for_help, false) as has_asked_for_help,
    scope.is_in_arrears and reduced.customer_id is not null as has_reduced_payments,
    coalesce(held.has_asked_for_help, false)
    or (scope.is_in_arrears and reduced.customer_id is not null) as has_hardship,
    (
        (refusals.customer_id is not null or coalesce(promise_history.broken, 0) >= 2)
        and (
            paid_elsewhere.customer_id is not null
            or customers.monthly_income >= 3 * monthly_dues.amount
        )
        and not coalesce(held.has_hardship_hold, false)
        and not coalesce(held.has_other_hold, false)
        and reduced.customer_id is null
    ) is true as is_wilful,
    case
        when coalesce(promise_history.broken, 0) > 0 then 'broken_promise'
        when coalesce(promise_history.kept, 0) > 0 then 'kept_promise'
        else 'none'
    end as promise_history
from scope
inner join customers on scope.customer_id = customers.customer_id
left join numbers on scope.customer_id = numbers.customer_id
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
left join reduced
    on
        scope.customer_id = reduced.customer_id
        and scope.currency = reduced.currency
left join held on scope.customer_id = held.customer_id

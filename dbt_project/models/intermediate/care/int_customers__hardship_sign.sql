with scope as (
    select * from {{ ref('int_customers__scope') }}
),

holds as (
    select * from {{ ref('int_customers__hold') }}
),

warned as (
    select * from {{ ref('int_loans__warned') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

instalments as (
    select * from {{ ref('int_instalments__cumulative') }}
),

-- Reduced payments: in each of the last two calendar months something was paid, and less than fell due --------------
cases as (
    select
        loans.loan_id,
        loans.customer_id,
        loans.currency,
        loans.schedule_version
    from loans
    inner join scope
        on
            loans.customer_id = scope.customer_id
            and loans.currency = scope.currency
    where scope.is_in_arrears
),

months as (
    select
        {{ add_months(month_of(as_of_date()), -2) }} as month_from,
        {{ add_months(month_of(as_of_date()), -1) }} as month_to
    union all
    select
        {{ add_months(month_of(as_of_date()), -1) }} as month_from,
        {{ month_of(as_of_date()) }} as month_to
),

payments as (
    {{ payment_effects('select cases.loan_id from cases') }}
),

paid_by_month as (
    select
        cases.customer_id,
        cases.currency,
        months.month_from,
        sum(payments.amount) as amount
    from cases
    inner join payments on cases.loan_id = payments.loan_id
    inner join months
        on
            payments.paid_on >= months.month_from
            and payments.paid_on < months.month_to
    where
        payments.counts_from <= {{ as_of_date() }}
        -- The first and the last day of all months once more: these are looked up, the months are compared.
        and payments.paid_on >= {{ add_months(month_of(as_of_date()), -2) }}
        and payments.paid_on < {{ month_of(as_of_date()) }}
    group by cases.customer_id, cases.currency, months.month_from
    having sum(payments.amount) > 0
),

-- Only of those who paid in both months is asked what fell due.
payers as (
    select
        customer_id,
        currency
    from paid_by_month
    group by customer_id, currency
    having count(*) = 2
),

due_by_month as (
    select
        cases.customer_id,
        cases.currency,
        months.month_from,
        sum(instalments.amount_due) as amount
    from payers
    inner join cases
        on
            payers.customer_id = cases.customer_id
            and payers.currency = cases.currency
    inner join instalments
        on
            cases.loan_id = instalments.loan_id
            and cases.schedule_version = instalments.schedule_version
    inner join months
        on
            instalments.due_on >= months.month_from
            and instalments.due_on < months.month_to
    group by cases.customer_id, cases.currency, months.month_from
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
    where paid_by_month.amount < due_by_month.amount
    group by due_by_month.customer_id, due_by_month.currency
    having count(*) = 2
)

-- One query for each sign; another sign is another query, and a value of the column more.
select distinct
    scope.customer_id,
    scope.currency,
    'hardship_requested' as sign,
    1 as position
from scope
inner join holds on scope.customer_id = holds.customer_id
where holds.reason_code = 'HARDSHIP_REQUESTED'
union all
select
    customer_id,
    currency,
    'reduced_payments' as sign,
    2 as position
from reduced
union all
-- A lower income is among what adds most to the risk of a loan that early warning warns of.
select distinct
    scope.customer_id,
    scope.currency,
    'income_shock' as sign,
    3 as position
from scope
inner join warned
    on
        scope.customer_id = warned.customer_id
        and scope.currency = warned.currency
where
    scope.is_warned
    and {{ holds('warned.top_reasons', "'INCOME_CHANGE_6M'") }}

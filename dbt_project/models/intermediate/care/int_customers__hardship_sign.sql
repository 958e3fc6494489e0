{#- The last two calendar months: from the first day of each to the first day after. -#}
{%- set first = add_months(month_of(as_of_date()), -2) -%}
{%- set second = add_months(month_of(as_of_date()), -1) -%}
{%- set end = month_of(as_of_date()) -%}
{%- set paid_before = count_up_to('repayments.repaid_on', '(' ~ first ~ ' - 1)') -%}
{%- set paid_until = count_up_to('repayments.repaid_on', '(' ~ end ~ ' - 1)') -%}
{%- set paid_in_first = 'sum(amount) filter (where paid_on < ' ~ second ~ ')' -%}
{%- set paid_in_second = 'sum(amount) filter (where paid_on >= ' ~ second ~ ')' -%}

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

schedules as (
    select * from {{ ref('int_schedule_versions__due') }}
),

paid_lists as (
    select * from {{ ref('int_schedule_versions__paid') }}
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

-- Where all that a loan was paid is repayments, its list tells them. It does not tell what was taken back or recovered.
repayments as (
    select
        cases.loan_id,
        cases.customer_id,
        cases.currency,
        paid_lists.repaid_on,
        paid_lists.repaid_amounts,
        {{ array_size('paid_lists.paid_from') }} = {{ array_size('paid_lists.repaid_on') }} as are_all
    from cases
    inner join paid_lists
        on
            cases.loan_id = paid_lists.loan_id
            and cases.schedule_version = paid_lists.schedule_version
),

payments as (
    {{ payment_effects('select repayments.loan_id from repayments where not repayments.are_all') }}
),

paid as (
    select
        repayments.customer_id,
        repayments.currency,
        repayments.repaid_on[places.position] as paid_on,
        repayments.repaid_amounts[places.position] as amount
    from repayments
    cross join lateral {{ positions_between(paid_before ~ ' + 1', paid_until, 'position') }} as places -- noqa: ST05
    where repayments.are_all
    union all
    select
        customer_id,
        currency,
        paid_on,
        amount
    from payments
    where
        counts_from <= {{ as_of_date() }}
        and paid_on >= {{ first }}
        and paid_on < {{ end }}
),

-- Only of those who paid in both months is asked what fell due.
payers as (
    select
        customer_id,
        currency,
        {{ paid_in_first }} as paid_in_first,
        {{ paid_in_second }} as paid_in_second
    from paid
    group by customer_id, currency
    having {{ paid_in_first }} > 0 and {{ paid_in_second }} > 0
),

reduced as (
    select
        payers.customer_id,
        payers.currency
    from payers
    inner join cases
        on
            payers.customer_id = cases.customer_id
            and payers.currency = cases.currency
    inner join schedules
        on
            cases.loan_id = schedules.loan_id
            and cases.schedule_version = schedules.schedule_version
    group by payers.customer_id, payers.currency, payers.paid_in_first, payers.paid_in_second
    having
        payers.paid_in_first < sum({{ due_between('schedules', first, second) }})
        and payers.paid_in_second < sum({{ due_between('schedules', second, end) }})
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

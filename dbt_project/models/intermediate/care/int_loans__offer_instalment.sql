with recursive

offers as (
    select * from {{ ref('int_loans__hardship_offer') }}
),

-- Interest of a month on the balance, then principal; the last instalment clears what is left. Each step has all it
-- needs from the one before: nothing is looked up again.
schedule as (
    select
        offers.customer_id,
        offers.currency,
        offers.loan_id,
        offers.annual_rate,
        offers.minor_units,
        offers.instalment_minor,
        offers.term_months,
        0 as instalment_no,
        cast(0 as numeric(18, 0)) as principal,
        cast(0 as numeric(18, 0)) as interest,
        offers.owed_minor as balance
    from offers
    union all
    select
        accrued.customer_id,
        accrued.currency,
        accrued.loan_id,
        accrued.annual_rate,
        accrued.minor_units,
        accrued.instalment_minor,
        accrued.term_months,
        accrued.instalment_no,
        cast(
            case
                when accrued.instalment_no = accrued.term_months then accrued.balance
                else least(accrued.balance, greatest(0, accrued.instalment_minor - accrued.interest))
            end as numeric(18, 0)
        ) as principal,
        accrued.interest,
        cast(
            accrued.balance - case
                when accrued.instalment_no = accrued.term_months then accrued.balance
                else least(accrued.balance, greatest(0, accrued.instalment_minor - accrued.interest))
            end as numeric(18, 0)
        ) as balance
    from (
        select
            schedule.customer_id,
            schedule.currency,
            schedule.loan_id,
            schedule.annual_rate,
            schedule.minor_units,
            schedule.instalment_minor,
            schedule.term_months,
            schedule.balance,
            schedule.instalment_no + 1 as instalment_no,
            cast({{ monthly_interest('schedule.balance', 'schedule.annual_rate') }} as numeric(18, 0)) as interest
        from schedule
        where
            schedule.instalment_no < schedule.term_months
            and schedule.balance > 0
    ) as accrued
)

select
    customer_id,
    currency,
    loan_id,
    instalment_no,
    {{ add_months(as_of_date(), 'instalment_no') }} as due_on,
    cast(principal / minor_units as numeric(18, 2)) as principal,
    cast(interest / minor_units as numeric(18, 2)) as interest,
    cast((principal + interest) / minor_units as numeric(18, 2)) as amount,
    cast(balance / minor_units as numeric(18, 2)) as balance
from schedule
where instalment_no > 0

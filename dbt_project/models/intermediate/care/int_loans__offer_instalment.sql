with recursive

offers as (
    select * from {{ ref('int_loans__hardship_offer') }}
),

-- Interest of a month on the balance, then principal; the last instalment clears what is left.
schedule as (
    select
        offers.loan_id,
        0 as instalment_no,
        cast(0 as numeric(18, 0)) as principal,
        cast(0 as numeric(18, 0)) as interest,
        offers.owed_minor as balance
    from offers
    union all
    select
        months.loan_id,
        months.instalment_no,
        months.repaid as principal,
        months.interest,
        cast(months.balance - months.repaid as numeric(18, 0)) as balance
    from (
        select
            accrued.loan_id,
            accrued.instalment_no,
            accrued.interest,
            accrued.balance,
            cast(
                case
                    when accrued.instalment_no = accrued.term_months then accrued.balance
                    else least(accrued.balance, greatest(0, accrued.instalment_minor - accrued.interest))
                end as numeric(18, 0)
            ) as repaid
        from (
            select
                offers.loan_id,
                offers.term_months,
                offers.instalment_minor,
                schedule.balance,
                schedule.instalment_no + 1 as instalment_no,
                cast({{ monthly_interest('schedule.balance', 'offers.annual_rate') }} as numeric(18, 0)) as interest
            from schedule
            inner join offers on schedule.loan_id = offers.loan_id
            where
                schedule.instalment_no < offers.term_months
                and schedule.balance > 0
        ) as accrued
    ) as months
)

select
    offers.customer_id,
    offers.currency,
    offers.loan_id,
    schedule.instalment_no,
    {{ add_months(as_of_date(), 'schedule.instalment_no') }} as due_on,
    cast(schedule.principal / offers.minor_units as numeric(18, 2)) as principal,
    cast(schedule.interest / offers.minor_units as numeric(18, 2)) as interest,
    cast((schedule.principal + schedule.interest) / offers.minor_units as numeric(18, 2)) as amount,
    cast(schedule.balance / offers.minor_units as numeric(18, 2)) as balance
from schedule
inner join offers on schedule.loan_id = offers.loan_id
where schedule.instalment_no > 0

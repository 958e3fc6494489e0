-- The product's own answer for one period end, by the function that BI tools ask.
insert into tape_check.positions (loan_id, ends_on, days_past_due, arrears_amount, oldest_unpaid_due_date)
select
    loan_id,
    %(ends_on)s::date,
    days_past_due,
    arrears_amount,
    oldest_unpaid_due_date
from marts.loan_delinquency_on(%(ends_on)s::date)
where days_past_due > 0

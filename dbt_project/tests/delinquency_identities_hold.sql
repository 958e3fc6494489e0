-- The first identity of days past due, on what was computed anew: no days, no oldest unpaid instalment and arrears
-- within the tolerance are the same thing, and pauses only take days away.
with loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

touched as (
    select * from {{ ref('int_loans__touched') }}
),

parameters as (
    select * from {{ ref('int_policy__delinquency_parameters') }}
)

select
    loans.loan_id,
    loans.days_past_due,
    loans.days_past_due_counted,
    loans.oldest_unpaid_due_date,
    loans.arrears_amount,
    parameters.tolerance
from loans
inner join touched
    on loans.loan_id = touched.loan_id
inner join parameters
    on
        loans.jurisdiction = parameters.jurisdiction
        and loans.product = parameters.product
        and loans.currency = parameters.currency
        and loans.as_of >= parameters.valid_from
        and loans.as_of < parameters.valid_to
where
    (loans.days_past_due = 0) <> (loans.oldest_unpaid_due_date is null)
    or (loans.days_past_due = 0) <> (loans.arrears_amount <= parameters.tolerance)
    or loans.days_past_due_counted > loans.days_past_due
    or loans.days_past_due_counted < 0

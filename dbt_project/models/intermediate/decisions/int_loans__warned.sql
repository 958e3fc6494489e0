{{ config(indexes=[{'columns': ['loan_id'], 'unique': true}]) }}

with scores as (
    select * from {{ ref('int_loans__early_warning') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
)

select
    scores.loan_id,
    scores.customer_id,
    loans.currency,
    scores.top_reasons
from scores
inner join loans
    on scores.loan_id = loans.loan_id
where
    scores.band = 'high'
    and loans.arrears_amount = 0
    and not loans.is_written_off
    and loans.next_due_date is not null

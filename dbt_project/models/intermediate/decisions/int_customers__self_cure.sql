with scores as (
    select * from {{ ref('int_loans__self_cure') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
)

-- The customer pays by himself what is overdue when he pays each of its loans so: the least likely of them decides.
select
    loans.customer_id,
    loans.currency,
    min(scores.probability) as probability,
    bool_and(scores.band = 'likely') as is_likely
from loans
left join scores
    on loans.loan_id = scores.loan_id
where
    loans.days_past_due > 0
    and not loans.is_written_off
group by loans.customer_id, loans.currency
having count(*) = count(scores.loan_id)

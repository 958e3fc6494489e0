with loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

schedule as (
    select * from {{ ref('stg_core_banking__repayment_schedule') }}
),

originals as (
    select
        loan_id,
        cast(count(*) as integer) as instalments,
        min(due_date) as first_due_date,
        max(due_date) as last_due_date
    from schedule
    where schedule_version = 1
    group by loan_id
)

select
    loans.loan_id,
    loans.customer_id,
    loans.product,
    loans.currency,
    terms.jurisdiction,
    loans.principal,
    loans.annual_rate,
    loans.disbursed_on,
    loans.maturity_on,
    loans.day_count,
    loans.status,
    loans.closed_on,
    loans.written_off_on,
    originals.instalments,
    originals.first_due_date,
    originals.last_due_date
from loans
left join terms
    on loans.loan_id = terms.loan_id
left join originals
    on loans.loan_id = originals.loan_id

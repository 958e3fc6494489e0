with rejections as (
    select * from {{ ref('int_rejections__open') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

held as (
    select loans.loan_id
    from loans
    inner join rejections
        on
            loans.loan_id = rejections.loan_id
            and rejections.holds = 'loan'
    union all
    select loans.loan_id
    from loans
    inner join rejections
        on
            loans.customer_id = rejections.customer_id
            and rejections.holds = 'customer'
)

select
    loan_id,
    cast(count(*) as integer) as open_rejections
from held
group by loan_id

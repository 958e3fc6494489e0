with rejections as (
    select * from {{ ref('int_rejections__open') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

-- The customer of the row itself, and the customer to whom its loan belongs: a loan whose first version was rejected
-- is known from its rejected row alone.
held as (
    select
        customer_id,
        row_id,
        table_name
    from rejections
    where customer_id is not null
    union distinct
    select
        loans.customer_id,
        rejections.row_id,
        rejections.table_name
    from rejections
    inner join loans
        on rejections.loan_id = loans.loan_id
)

select
    customer_id,
    cast(count(*) as integer) as open_rejections
from held
group by customer_id

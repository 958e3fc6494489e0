with months as (
    select * from {{ ref('int_calendar__month_ends') }}
),

loans as (
    select * from {{ ref('int_loans__month_end') }}
),

revised as (
    select
        months.month,
        months.month_end,
        (
            select coalesce(max(loans.revision), 0)
            from loans
            where loans.month_end = months.month_end
        ) as own_revision
    from months
)

-- Who was cured in a month is watched for the three after it: they too change what is said of it.
select
    month,
    month_end,
    max(own_revision) over (order by month rows between current row and 3 following) as revision,
    lead(month_end, 1) over (order by month) as month_end_after_1,
    lead(month_end, 3) over (order by month) as month_end_after_3
from revised

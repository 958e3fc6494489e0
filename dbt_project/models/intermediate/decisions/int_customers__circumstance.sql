with conduct as (
    select * from {{ ref('int_customers__conduct') }}
),

points as (
    select * from {{ ref('int_contact_points__usable') }}
),

holds as (
    select * from {{ ref('int_customers__hold') }}
),

numbers as (
    select
        customer_id,
        bool_and(is_invalid) as is_all_invalid
    from points
    where point_group = 'phone'
    group by customer_id
),

-- What rules out that a customer is wilful, beside a sign of hardship.
excused as (
    select distinct customer_id
    from holds
    where reason_code in ('HARDSHIP_REQUESTED', 'HARDSHIP_ACTIVE', 'DISPUTED', 'VULNERABLE')
)

select
    conduct.customer_id,
    conduct.currency,
    conduct.has_asked_for_help,
    conduct.has_reduced_payments,
    conduct.has_income_shock,
    conduct.has_hardship,
    conduct.promise_history,
    conduct.is_out_of_reach or coalesce(numbers.is_all_invalid, true) as is_lost_contact,
    conduct.seems_wilful and excused.customer_id is null as is_wilful
from conduct
left join numbers on conduct.customer_id = numbers.customer_id
left join excused on conduct.customer_id = excused.customer_id

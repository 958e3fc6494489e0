-- The fourth identity of days past due, on what was computed anew: what all instalments of the schedule in force get is
-- what was paid or, where that is less, what they owe; and no instalment owes less than nothing.
with touched as (
    {{ some_touched() }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
),

schedules as (
    select * from {{ ref('int_schedule_versions__due') }}
),

instalments as (
    select
        loans.loan_id,
        loans.paid_total,
        schedules.cumulative_due[places.position] as cumulative_due,
        schedules.cumulative_due[places.position]
        - coalesce(schedules.cumulative_due[places.position - 1], 0) as amount_due
    from loans
    inner join touched
        on loans.loan_id = touched.loan_id
    inner join schedules
        on
            loans.loan_id = schedules.loan_id
            and loans.schedule_version = schedules.schedule_version
    cross join lateral {{ positions_of('schedules.cumulative_due', 'position') }} as places -- noqa: ST05
)

select
    loan_id,
    paid_total,
    sum(amount_due) as amount_due,
    sum(greatest(0, least(amount_due, paid_total - cumulative_due + amount_due))) as amount_paid
from instalments
group by loan_id, paid_total
having
    sum(greatest(0, least(amount_due, paid_total - cumulative_due + amount_due))) <> least(paid_total, sum(amount_due))
    or min(amount_due) < 0

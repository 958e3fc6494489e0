-- The second and the third identity of days past due, on what was computed anew: without an event they grow by one a
-- day, a payment never raises them and a reversal never lowers them. Within an interval of the history they count from
-- one date; from one interval to the next it moves as money does, unless another schedule or rule comes into force.
with touched as (
    {{ some_touched() }}
),

history as (
    select * from {{ ref('fct_delinquency_history') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

parameters as (
    select * from {{ ref('int_policy__delinquency_parameters') }}
),

steps as (
    select
        history.loan_id,
        history.valid_from,
        history.schedule_version,
        history.paid_total,
        history.newest_counted_due_on,
        history.oldest_unpaid_due_date,
        lag(history.schedule_version) over in_time as earlier_schedule_version,
        lag(history.paid_total) over in_time as earlier_paid_total,
        lag(history.newest_counted_due_on) over in_time as earlier_newest_counted_due_on,
        lag(history.oldest_unpaid_due_date) over in_time as earlier_oldest_unpaid_due_date
    from history
    inner join touched
        on history.loan_id = touched.loan_id
    window in_time as (partition by history.loan_id order by history.valid_from)
)

select
    steps.loan_id,
    steps.valid_from,
    steps.earlier_paid_total,
    steps.paid_total,
    steps.earlier_oldest_unpaid_due_date,
    steps.oldest_unpaid_due_date
from steps
inner join terms
    on steps.loan_id = terms.loan_id
left join parameters
    on
        terms.jurisdiction = parameters.jurisdiction
        and terms.product = parameters.product
        and terms.currency = parameters.currency
        and steps.valid_from = parameters.valid_from
where
    steps.schedule_version = steps.earlier_schedule_version
    and parameters.jurisdiction is null
    and (
        (
            steps.paid_total >= steps.earlier_paid_total
            and (
                steps.oldest_unpaid_due_date < steps.earlier_oldest_unpaid_due_date
                -- What begins to be late has fallen due.
                or (
                    steps.oldest_unpaid_due_date is not null
                    and steps.earlier_oldest_unpaid_due_date is null
                    and steps.newest_counted_due_on is not distinct from steps.earlier_newest_counted_due_on
                )
            )
        )
        or (
            steps.paid_total <= steps.earlier_paid_total
            and steps.earlier_oldest_unpaid_due_date is not null
            and coalesce(steps.oldest_unpaid_due_date, {{ far_future() }}) > steps.earlier_oldest_unpaid_due_date
        )
    )

with schedule as (
    select * from {{ ref('stg_core_banking__repayment_schedule') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

versions as (
    select * from {{ ref('int_schedule_versions__in_force') }}
),

parameters as (
    select * from {{ ref('int_policy__delinquency_parameters') }}
),

calendar as (
    select * from {{ ref('int_calendar__next_business_day') }}
),

-- An instalment of nothing is paid as it stands: it starts no clock and settles nothing.
instalments as (
    select
        schedule.loan_id,
        schedule.schedule_version,
        schedule.instalment_no,
        schedule.due_date,
        schedule.principal_due,
        schedule.principal_due + schedule.interest_due + schedule.fee_due as amount_due,
        case
            when parameters.due_date_shift = 'next_business_day'
                then coalesce(own_calendar.next_business_day, general_calendar.next_business_day, schedule.due_date)
            else schedule.due_date
        end as due_on,
        case when parameters.first_counted_day = 'due_date' then 0 else 1 end as days_to_count
    from schedule
    inner join versions
        on
            schedule.loan_id = versions.loan_id
            and schedule.schedule_version = versions.schedule_version
    inner join terms
        on schedule.loan_id = terms.loan_id
    inner join parameters
        on
            terms.jurisdiction = parameters.jurisdiction
            and terms.product = parameters.product
            and terms.currency = parameters.currency
            and schedule.due_date >= parameters.valid_from
            and schedule.due_date < parameters.valid_to
    left join calendar as own_calendar
        on
            terms.jurisdiction = own_calendar.jurisdiction
            and schedule.due_date = own_calendar.day
            and parameters.due_date_shift = 'next_business_day'
    left join calendar as general_calendar
        on
            general_calendar.jurisdiction = 'DEFAULT'
            and schedule.due_date = general_calendar.day
            and parameters.due_date_shift = 'next_business_day'
    where schedule.principal_due + schedule.interest_due + schedule.fee_due > 0
),

-- No instalment is due or counted before an earlier one, even where the rule changed between their due dates.
ordered as (
    select
        loan_id,
        schedule_version,
        instalment_no,
        due_date,
        amount_due,
        principal_due,
        max(due_on) over in_order as due_on,
        max(due_on + days_to_count) over in_order as counted_from,
        row_number() over in_order as position,
        sum(amount_due) over in_order as cumulative_due,
        sum(principal_due) over in_order as cumulative_principal
    from instalments
    window in_order as (
        partition by loan_id, schedule_version
        order by due_date, instalment_no
        rows between unbounded preceding and current row
    )
)

select
    loan_id,
    schedule_version,
    instalment_no,
    position,
    due_date,
    due_on,
    counted_from,
    amount_due,
    principal_due,
    cumulative_due,
    sum(principal_due) over (partition by loan_id, schedule_version)
    - cumulative_principal + principal_due as principal_left_before,
    lead(due_on) over (partition by loan_id, schedule_version order by position) as next_due_on
from ordered

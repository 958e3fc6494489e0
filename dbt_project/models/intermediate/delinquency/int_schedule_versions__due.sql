{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id']}],
    tags=['per_loan'],
) }}

with schedule as (
    select * from {{ ref('stg_core_banking__repayment_schedule') }}
    where {{ only_touched('loan_id') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
    where {{ only_touched('loan_id') }}
),

rules as (
    select * from {{ ref('int_policy__delinquency_rules') }}
),

calendar as (
    select * from {{ ref('int_calendar__next_business_day') }}
),

-- The rule in force on the contractual due date decides whether it moves, and which day is the first counted.
ruled as (
    select
        schedule.loan_id,
        schedule.schedule_version,
        schedule.effective_from,
        schedule.instalment_no,
        schedule.due_date,
        schedule.principal_due,
        schedule.principal_due + schedule.interest_due + schedule.fee_due as amount_due,
        rules.days_to_count[{{ count_up_to('rules.rules_from', 'schedule.due_date') }}] as days_to_count,
        case
            when rules.shifts[{{ count_up_to('rules.rules_from', 'schedule.due_date') }}] then terms.jurisdiction
        end as shifted_by
    from schedule
    inner join terms
        on schedule.loan_id = terms.loan_id
    inner join rules
        on
            terms.jurisdiction = rules.jurisdiction
            and terms.product = rules.product
            and terms.currency = rules.currency
),

shifted as (
    select
        ruled.*,
        case
            when ruled.shifted_by is null then ruled.due_date
            else coalesce(own_calendar.next_business_day, general_calendar.next_business_day, ruled.due_date)
        end as due_on
    from ruled
    left join calendar as own_calendar
        on
            ruled.shifted_by = own_calendar.jurisdiction
            and ruled.due_date = own_calendar.day
    left join calendar as general_calendar
        on
            case when ruled.shifted_by is not null then 'DEFAULT' end = general_calendar.jurisdiction
            and ruled.due_date = general_calendar.day
),

-- An instalment of nothing is paid as it stands: it starts no clock and settles nothing. No instalment is due or
-- counted before an earlier one, even where the rule changed between their due dates.
ordered as (
    select
        loan_id,
        schedule_version,
        effective_from,
        instalment_no,
        due_date,
        amount_due > 0 as is_owed,
        max(case when amount_due > 0 then due_on end) over in_order as due_on,
        max(case when amount_due > 0 then due_on + days_to_count end) over in_order as counted_from,
        sum(amount_due) over in_order as cumulative_due,
        sum(principal_due) over in_order as cumulative_principal
    from shifted
    window in_order as (
        partition by loan_id, schedule_version
        order by due_date, instalment_no
        rows between unbounded preceding and current row
    )
)

select
    loan_id,
    schedule_version,
    min(effective_from) as effective_from,
    {{ ordered_array('due_date', 'due_date, instalment_no', 'is_owed') }} as due_dates,
    {{ ordered_array('due_on', 'due_date, instalment_no', 'is_owed') }} as due_on,
    {{ ordered_array('counted_from', 'due_date, instalment_no', 'is_owed') }} as counted_from,
    {{ ordered_array('cumulative_due', 'due_date, instalment_no', 'is_owed') }} as cumulative_due,
    {{ ordered_array('cumulative_principal', 'due_date, instalment_no', 'is_owed') }} as cumulative_principal
from ordered
group by loan_id, schedule_version

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id', 'schedule_version'], 'unique': true}],
    tags=['per_loan'],
) }}

with schedule as (
    select
        loan_id,
        schedule_version,
        instalment_no,
        due_date,
        principal_due,
        principal_due + interest_due + fee_due as amount_due
    from {{ ref('stg_core_banking__repayment_schedule') }}
    where {{ only_touched('loan_id') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
    where {{ only_touched('loan_id') }}
),

rules as (
    select * from {{ ref('int_policy__delinquency_rules') }}
),

own_calendar as (
    select * from {{ ref('int_calendar__next_business_day') }}
),

general_calendar as (
    select * from {{ ref('int_calendar__next_business_day') }}
    where jurisdiction = 'DEFAULT'
),

running as (
    select
        loan_id,
        schedule_version,
        instalment_no,
        due_date,
        amount_due > 0 as is_owed,
        sum(amount_due) over in_order as cumulative_due,
        sum(principal_due) over in_order as cumulative_principal
    from schedule
    window in_order as (
        partition by loan_id, schedule_version
        order by due_date, instalment_no
        rows between unbounded preceding and current row
    )
),

-- An instalment of nothing is paid as it stands: it starts no clock and settles nothing.
listed as (
    select
        loan_id,
        schedule_version,
        {{ ordered_array('due_date', 'due_date, instalment_no', 'is_owed') }} as due_dates,
        {{ ordered_array('due_date + 1', 'due_date, instalment_no', 'is_owed') }} as days_after,
        {{ ordered_array('cumulative_due', 'due_date, instalment_no', 'is_owed') }} as cumulative_due,
        {{ ordered_array('cumulative_principal', 'due_date, instalment_no', 'is_owed') }} as cumulative_principal
    from running
    group by loan_id, schedule_version
),

ruled as (
    select
        listed.*,
        terms.jurisdiction,
        rules.rules_from,
        rules.days_to_count,
        rules.shifts,
        rules.has_moving_dates
    from listed
    inner join terms
        on listed.loan_id = terms.loan_id
    inner join rules
        on
            terms.jurisdiction = rules.jurisdiction
            and terms.product = rules.product
            and terms.currency = rules.currency
),

-- Where due dates may move, the rule in force on the contractual date decides, instalment by instalment.
instalments as (
    select
        ruled.loan_id,
        ruled.schedule_version,
        ruled.jurisdiction,
        places.place,
        ruled.due_dates[places.place] as due_date,
        {{ count_up_to('ruled.rules_from', 'ruled.due_dates[places.place]') }} as rule_no,
        ruled.shifts,
        ruled.days_to_count
    from ruled
    cross join lateral {{ positions_of('ruled.due_dates', 'place') }} as places -- noqa: ST05
    where ruled.has_moving_dates
),

shifted as (
    select
        instalments.loan_id,
        instalments.schedule_version,
        instalments.place,
        instalments.days_to_count[instalments.rule_no] as days_to_count,
        case
            when instalments.shifts[instalments.rule_no]
                then coalesce(
                    own_calendar.next_business_day, general_calendar.next_business_day, instalments.due_date
                )
            else instalments.due_date
        end as due_on
    from instalments
    left join own_calendar
        on
            instalments.jurisdiction = own_calendar.jurisdiction
            and instalments.due_date = own_calendar.day
    left join general_calendar
        on instalments.due_date = general_calendar.day
),

-- No instalment is due or counted before an earlier one, even where the rule changed between their due dates.
in_order as (
    select
        loan_id,
        schedule_version,
        place,
        max(due_on) over so_far as due_on,
        max(due_on + days_to_count) over so_far as counted_from
    from shifted
    window so_far as (
        partition by loan_id, schedule_version
        order by place
        rows between unbounded preceding and current row
    )
),

moved as (
    select
        loan_id,
        schedule_version,
        {{ ordered_array('due_on', 'place') }} as due_on,
        {{ ordered_array('counted_from', 'place') }} as counted_from
    from in_order
    group by loan_id, schedule_version
)

select
    ruled.loan_id,
    ruled.schedule_version,
    ruled.due_dates,
    ruled.cumulative_due,
    ruled.cumulative_principal,
    coalesce(moved.due_on, ruled.due_dates) as due_on,
    coalesce(
        moved.counted_from,
        case when ruled.days_to_count[1] = 0 then ruled.due_dates else ruled.days_after end
    ) as counted_from
from ruled
left join moved
    on
        ruled.loan_id = moved.loan_id
        and ruled.schedule_version = moved.schedule_version

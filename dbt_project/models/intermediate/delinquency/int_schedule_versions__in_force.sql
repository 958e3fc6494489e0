{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_touched() }}",
    post_hook="{{ record_loan_state() }}",
    indexes=[{'columns': ['loan_id', 'schedule_version'], 'unique': true}],
    tags=['per_loan'],
) }}

-- From the instalments and not from int_schedule_versions__due, so that payments need not wait for the due dates.
with versions as (
    select
        loan_id,
        schedule_version,
        min(effective_from) as effective_from
    from {{ ref('stg_core_banking__repayment_schedule') }}
    where {{ only_touched('loan_id') }}
    group by loan_id, schedule_version
),

terms as (
    select * from {{ ref('int_loans__terms') }}
    where {{ only_touched('loan_id') }}
),

parameters as (
    select * from {{ ref('int_policy__delinquency_parameters') }}
),

-- A version is in force until the first day on which a higher one is.
superseded as (
    select
        loan_id,
        schedule_version,
        effective_from,
        min(effective_from) over (
            partition by loan_id
            order by schedule_version desc
            rows between unbounded preceding and 1 preceding
        ) as superseded_on
    from versions
),

within_life as (
    select
        terms.loan_id,
        superseded.schedule_version,
        superseded.effective_from,
        greatest(superseded.effective_from, terms.disbursed_on) as in_force_from,
        least(
            coalesce(superseded.superseded_on, {{ far_future() }}),
            coalesce(terms.closed_on, {{ far_future() }})
        ) as in_force_to
    from terms
    inner join superseded
        on terms.loan_id = superseded.loan_id
),

in_force as (
    select
        loan_id,
        schedule_version,
        effective_from,
        in_force_from,
        in_force_to,
        schedule_version > 1 as is_restructuring
    from within_life
    where in_force_from < in_force_to
),

-- Before its first version, or without any, a loan exists and has no instalments.
unscheduled as (
    select
        terms.loan_id,
        terms.disbursed_on as in_force_from,
        coalesce(min(in_force.in_force_from), terms.closed_on, {{ far_future() }}) as in_force_to,
        coalesce(max(case when in_force.is_restructuring then 1 else 0 end), 0) = 1 as is_ever_restructured
    from terms
    left join in_force
        on terms.loan_id = in_force.loan_id
    group by terms.loan_id, terms.disbursed_on, terms.closed_on
),

restructurings as (
    select
        in_force.loan_id,
        in_force.schedule_version,
        in_force.in_force_from as restructured_on,
        {{ add_months('in_force.in_force_from', 'parameters.probation_months') }} as probation_until,
        row_number() over (partition by in_force.loan_id order by in_force.in_force_from) as restructurings
    from in_force
    inner join terms
        on in_force.loan_id = terms.loan_id
    inner join parameters
        on
            terms.jurisdiction = parameters.jurisdiction
            and terms.product = parameters.product
            and terms.currency = parameters.currency
            and in_force.in_force_from >= parameters.valid_from
            and in_force.in_force_from < parameters.valid_to
    where in_force.is_restructuring
),

-- A restructuring within the probation of the one before goes on with it: what it held back stays held back.
probations as (
    select
        loan_id,
        schedule_version,
        restructured_on,
        probation_until,
        restructurings,
        case
            when lag(probation_until) over (partition by loan_id order by restructured_on) > restructured_on then null
            else restructured_on
        end as probation_began_on
    from restructurings
),

continued as (
    select
        loan_id,
        schedule_version,
        restructured_on,
        probation_until,
        restructurings,
        max(probation_began_on) over (partition by loan_id order by restructured_on) as probation_began_on
    from probations
)

select
    in_force.loan_id,
    in_force.schedule_version,
    in_force.in_force_from,
    in_force.in_force_to,
    case when in_force.is_restructuring then in_force.effective_from end as payments_from,
    continued.restructured_on,
    continued.restructurings,
    continued.probation_until,
    continued.probation_began_on,
    max(continued.restructurings) over (partition by in_force.loan_id) is not null as is_ever_restructured
from in_force
left join continued
    on
        in_force.loan_id = continued.loan_id
        and in_force.schedule_version = continued.schedule_version
union all
select
    unscheduled.loan_id,
    0 as schedule_version,
    unscheduled.in_force_from,
    unscheduled.in_force_to,
    null as payments_from,
    null as restructured_on,
    null as restructurings,
    null as probation_until,
    null as probation_began_on,
    unscheduled.is_ever_restructured
from unscheduled
where unscheduled.in_force_from < unscheduled.in_force_to

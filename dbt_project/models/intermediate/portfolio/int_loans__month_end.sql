-- depends_on: {{ ref('int_builds__horizon') }}, {{ ref('int_loans__touched') }}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['loan_id', 'month_end'],
    indexes=[{'columns': ['loan_id', 'month_end'], 'unique': true}, {'columns': ['month_end', 'revision']}],
    pre_hook="{{ delete_unreached_months() }}",
    post_hook="{{ record_loan_state() }}",
    tags=['per_loan'],
) }}

with positions as (
    select * from {{ ref('int_loans__month_end_position') }}
),

loans as (
    select * from {{ ref('stg_core_banking__loans') }}
),

charge_offs as (
    select * from {{ ref('int_loans__charge_offs') }}
),

pauses as (
    select * from {{ ref('int_loans__pauses') }}
),

tiers as (
    select * from {{ ref('int_policy__tiers') }}
    where not is_written_off
),

-- The newest. No earlier revision has its number, one of rows that were thrown away included, and none need be read.
this_build as (
    select coalesce(max(build_id), 0) as build_id
    from {{ source('ops', 'mart_build') }}
),

-- The ranges of tiers cover all days without gap or overlap, so where a number of days lies is a position.
scales as (
    select
        jurisdiction,
        product,
        valid_from,
        valid_to,
        {{ ordered_array('dpd_from', 'dpd_from') }} as days_from,
        {{ ordered_array('tier', 'dpd_from') }} as tiers
    from tiers
    where due_within_days is null
    group by jurisdiction, product, valid_from, valid_to
),

-- Tiers for what falls due soon come before those of days past due, the better rank first.
reminders as (
    select
        jurisdiction,
        product,
        valid_from,
        valid_to,
        dpd_from,
        dpd_to,
        due_within_days,
        tier,
        coalesce(
            max(due_within_days) over (
                partition by jurisdiction, product, valid_from, dpd_from
                order by rank
                rows between unbounded preceding and 1 preceding
            ),
            -1
        ) as due_beyond_days
    from tiers
    where due_within_days is not null
),

paused as (
    select
        overdue.loan_id,
        overdue.month_end,
        sum({{ paused_days('pauses', 'overdue.oldest_unpaid_due_date', 'overdue.month_end') }}) as paused_days
    from {{ ref('int_loans__month_end_position') }} as overdue
    inner join pauses
        on overdue.loan_id = pauses.loan_id
    where overdue.oldest_unpaid_due_date is not null
    group by overdue.loan_id, overdue.month_end
),

counted as (
    select
        positions.*,
        charge_offs.loan_id is not null as is_written_off,
        greatest(0, positions.days_past_due - coalesce(paused.paused_days, 0)) as days_past_due_counted
    from positions
    left join paused
        on
            positions.loan_id = paused.loan_id
            and positions.month_end = paused.month_end
    left join charge_offs
        on
            positions.loan_id = charge_offs.loan_id
            and positions.month_end >= charge_offs.charged_off_on
            and (charge_offs.reinstated_on is null or positions.month_end < charge_offs.reinstated_on)
),

tiered as (
    select
        counted.loan_id,
        counted.month_end,
        counted.wanted_from,
        counted.product,
        counted.jurisdiction,
        counted.currency,
        counted.schedule_version,
        case
            when counted.is_closed then 'closed'
            when counted.is_written_off then 'written_off'
            else coalesce(
                reminders.tier, scales.tiers[{{ count_up_to('scales.days_from', 'counted.days_past_due_counted') }}]
            )
        end as state,
        case when counted.is_closed then 0 else counted.days_past_due end as days_past_due,
        case when counted.is_closed then 0 else counted.arrears_amount end as arrears_amount,
        case when counted.is_closed then 0 else counted.outstanding_principal end as outstanding_principal
    from counted
    left join scales
        on
            counted.jurisdiction = scales.jurisdiction
            and counted.product = scales.product
            and counted.month_end >= scales.valid_from
            and counted.month_end < scales.valid_to
    left join reminders
        on
            counted.jurisdiction = reminders.jurisdiction
            and counted.product = reminders.product
            and counted.month_end >= reminders.valid_from
            and counted.month_end < reminders.valid_to
            and counted.days_past_due_counted >= reminders.dpd_from
            and (reminders.dpd_to is null or counted.days_past_due_counted <= reminders.dpd_to)
            and counted.days_to_due > reminders.due_beyond_days
            and counted.days_to_due <= reminders.due_within_days
),

compared as (
    select
        *,
        lag(state) over in_time as earlier_state,
        lag(days_past_due) over in_time as earlier_days_past_due,
        lag(outstanding_principal) over in_time as earlier_principal,
        lag(schedule_version) over in_time as earlier_schedule_version
    from tiered
    window in_time as (partition by loan_id order by month_end)
),

computed as (
    select
        compared.loan_id,
        compared.month_end,
        compared.product,
        compared.jurisdiction,
        compared.currency,
        compared.state,
        compared.days_past_due,
        cast(compared.arrears_amount as numeric(18, 2)) as arrears_amount,
        cast(compared.outstanding_principal as numeric(18, 2)) as outstanding_principal,
        cast(coalesce(compared.earlier_principal, loans.principal, 0) as numeric(18, 2)) as opening_principal,
        coalesce(compared.earlier_state, 'new') as opening_state,
        coalesce(compared.earlier_days_past_due, 0) as opening_days_past_due,
        coalesce(compared.schedule_version <> compared.earlier_schedule_version, false) as is_rescheduled
    from compared
    left join loans
        on
            compared.loan_id = loans.loan_id
            and compared.earlier_state is null
    where compared.month_end >= compared.wanted_from
),

{% if is_incremental() -%}
existing as (
    select
        loan_id,
        month_end,
        product,
        jurisdiction,
        currency,
        state,
        days_past_due,
        arrears_amount,
        outstanding_principal,
        opening_principal,
        opening_state,
        opening_days_past_due,
        is_rescheduled
    from {{ this }}
    where {{ only_touched('loan_id') }}
),

-- Only what differs is written, so that the revision of a month says whether anything in it has changed.
changed as (
    select * from computed
    except
    select * from existing
),

-- What turned out not to have been there stays as a row without a state.
revised as (
    select * from changed
    union all
    select
        existing.loan_id,
        existing.month_end,
        existing.product,
        existing.jurisdiction,
        existing.currency,
        null as state,
        0 as days_past_due,
        0 as arrears_amount,
        0 as outstanding_principal,
        0 as opening_principal,
        'new' as opening_state,
        0 as opening_days_past_due,
        false as is_rescheduled
    from existing
    left join computed
        on
            existing.loan_id = computed.loan_id
            and existing.month_end = computed.month_end
    where
        existing.state is not null
        and computed.loan_id is null
)
{%- else -%}
revised as (
    select * from computed
)
{%- endif %}

select
    loan_id,
    month_end,
    product,
    jurisdiction,
    currency,
    state,
    days_past_due,
    arrears_amount,
    outstanding_principal,
    opening_state,
    opening_days_past_due,
    opening_principal,
    is_rescheduled,
    (select this_build.build_id from this_build) as revision
from revised

{{ config(
    indexes=[{'columns': ['loan_id', 'valid_from'], 'unique': true}],
) }}

with positions as (
    select * from {{ ref('int_loans__positions') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

horizon as (
    select * from {{ ref('int_builds__horizon') }}
),

compared as (
    select
        *,
        row_number() over in_time as place,
        lag(schedule_version) over in_time as earlier_schedule_version,
        lag(paid_total) over in_time as earlier_paid_total,
        lag(arrears_amount) over in_time as earlier_arrears_amount,
        lag(oldest_unpaid_due_date) over in_time as earlier_oldest_unpaid_due_date,
        lag(is_material) over in_time as earlier_is_material,
        lag(has_materiality_limits) over in_time as earlier_has_materiality_limits
    from positions
    window in_time as (partition by loan_id order by moved_on)
),

-- These columns decide all others: a day on which none of them changes changes nothing.
changes as (
    select * from compared
    where
        place = 1
        or schedule_version <> earlier_schedule_version
        or paid_total <> earlier_paid_total
        or arrears_amount <> earlier_arrears_amount
        or oldest_unpaid_due_date is distinct from earlier_oldest_unpaid_due_date
        or is_material <> earlier_is_material
        or has_materiality_limits <> earlier_has_materiality_limits
),

intervals as (
    select
        *,
        lead(moved_on) over (partition by loan_id order by moved_on) as next_moved_on
    from changes
),

-- Days above the limits are consecutive from the end of the last interval that was not.
runs as (
    select
        *,
        coalesce(
            max(case when is_material and has_materiality_limits then null else next_moved_on end) over in_time,
            min(moved_on) over in_time
        ) as material_since
    from intervals
    window in_time as (
        partition by loan_id
        order by moved_on
        rows between unbounded preceding and current row
    )
)

select
    runs.loan_id,
    runs.schedule_version,
    runs.moved_on as valid_from,
    runs.oldest_unpaid_due_date,
    runs.oldest_unpaid_contractual_date,
    runs.oldest_unpaid_counted_from,
    runs.newest_counted_due_on,
    runs.next_due_on,
    terms.currency,
    runs.has_materiality_limits,
    cast(runs.arrears_amount as numeric(18, 2)) as arrears_amount,
    cast(runs.paid_total as numeric(18, 2)) as paid_total,
    cast(runs.outstanding_principal as numeric(18, 2)) as outstanding_principal,
    cast(runs.unpaid_instalments as integer) as unpaid_instalments,
    coalesce(
        runs.next_moved_on, case when terms.closed_on <= horizon.known_until then terms.closed_on end
    ) as valid_to,
    case when runs.is_material and runs.has_materiality_limits then runs.material_since end as material_since
from runs
inner join terms
    on runs.loan_id = terms.loan_id
cross join horizon

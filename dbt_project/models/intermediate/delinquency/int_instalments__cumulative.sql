{{ config(materialized='view') }}

with versions as (
    select * from {{ ref('int_schedule_versions__due') }}
),

places as (
    select
        versions.*,
        {{ positions_of('versions.due_on') }} as position
    from versions
)

select
    loan_id,
    schedule_version,
    position,
    due_dates[position] as due_date,
    due_on[position] as due_on,
    cumulative_due[position] as cumulative_due,
    cumulative_due[position] - coalesce(cumulative_due[position - 1], 0) as amount_due
from places

{{ config(materialized='view') }}

select
    versions.loan_id,
    versions.schedule_version,
    places.position,
    versions.due_dates[places.position] as due_date,
    versions.due_on[places.position] as due_on,
    versions.cumulative_due[places.position] as cumulative_due,
    versions.cumulative_due[places.position] - coalesce(versions.cumulative_due[places.position - 1], 0) as amount_due
from {{ ref('int_schedule_versions__due') }} as versions
cross join lateral {{ positions_of('versions.due_on', 'position') }} as places -- noqa: ST05

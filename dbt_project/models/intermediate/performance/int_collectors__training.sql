with collectors as (
    select * from {{ ref('stg_core_banking__collectors') }}
),

trainings as (
    select * from {{ ref('stg_core_banking__collector_training') }}
),

courses as (
    select * from {{ ref('required_courses') }}
),

cases as (
    select * from {{ ref('int_collectors__case') }}
),

horizon as (
    select * from {{ ref('int_builds__horizon') }}
),

-- Training is judged at the end of the month, or today where the month has not ended.
months as (
    select distinct
        cases.collector_id,
        cases.month,
        least(cast(cases.month + interval '1 month' as date) - 1, horizon.known_until) as judged_on
    from cases
    cross join horizon
),

required as (
    select
        months.collector_id,
        months.month,
        months.judged_on,
        courses.course,
        courses.valid_days
    from months
    inner join collectors on months.collector_id = collectors.collector_id
    inner join courses
        on
            courses.jurisdiction = 'DEFAULT'
            and (courses.channel is null or courses.channel = collectors.channel)
            and {{ in_force('courses', on='months.judged_on') }}
),

completed as (
    select
        required.collector_id,
        required.month,
        required.course,
        bool_or(
            trainings.completed_on <= required.judged_on
            and coalesce(trainings.valid_until, trainings.completed_on + required.valid_days) >= required.judged_on
        ) as is_valid
    from required
    left join trainings
        on
            required.collector_id = trainings.collector_id
            and required.course = trainings.course
    group by required.collector_id, required.month, required.course
)

select
    collector_id,
    month,
    not bool_and(coalesce(is_valid, false)) as training_overdue
from completed
group by collector_id, month

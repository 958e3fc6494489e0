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

customers as (
    select * from {{ ref('stg_core_banking__customers') }}
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

-- What DEFAULT requires it requires of everybody; what another pack requires, of those who work its customers.
jurisdictions as (
    select distinct
        cases.collector_id,
        cases.month,
        customers.jurisdiction
    from cases
    inner join customers on cases.customer_id = customers.customer_id
    union distinct
    select
        collector_id,
        month,
        'DEFAULT' as jurisdiction
    from months
),

-- Where several packs require a course, the shortest validity counts.
required as (
    select
        months.collector_id,
        months.month,
        months.judged_on,
        courses.course,
        min(courses.valid_days) as valid_days
    from months
    inner join collectors on months.collector_id = collectors.collector_id
    inner join jurisdictions
        on
            months.collector_id = jurisdictions.collector_id
            and months.month = jurisdictions.month
    inner join courses
        on
            jurisdictions.jurisdiction = courses.jurisdiction
            and (courses.channel is null or courses.channel = collectors.channel)
            and {{ in_force('courses', on='months.judged_on') }}
    group by months.collector_id, months.month, months.judged_on, courses.course
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
    not bool_and(coalesce(is_valid, false)) as training_overdue,
    {{ ordered_text('case when is_valid is not true then course end', 'course') }} as overdue_courses
from completed
group by collector_id, month

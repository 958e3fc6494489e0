-- What the kept schedule of a loan that was computed anew owes in all is what its instalments say: one that was lost or
-- counted twice on the way would move every later due date. Told at the end of a build, which need not wait for it.
-- depends_on: {{ ref('fct_loan_delinquency') }}
with touched as (
    select * from {{ ref('int_loans__touched') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

schedule as (
    select * from {{ ref('stg_core_banking__repayment_schedule') }}
),

kept as (
    select * from {{ ref('int_schedule_versions__due') }}
),

offered as (
    select
        schedule.loan_id,
        schedule.schedule_version,
        sum(schedule.principal_due + schedule.interest_due + schedule.fee_due) as amount_due
    from schedule
    inner join touched
        on schedule.loan_id = touched.loan_id
    inner join terms
        on schedule.loan_id = terms.loan_id
    group by schedule.loan_id, schedule.schedule_version
)

select
    offered.loan_id,
    offered.schedule_version,
    offered.amount_due
from offered
left join kept
    on
        offered.loan_id = kept.loan_id
        and offered.schedule_version = kept.schedule_version
where offered.amount_due <> coalesce(kept.cumulative_due[{{ array_size('kept.cumulative_due') }}], 0)

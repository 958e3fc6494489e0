-- Every instalment that fell due and every movement up to the day, by the schedule in force that day. A step is what the
-- entry adds to the balance. An instalment is overdue from the first day that the pack of its jurisdiction counts.
-- The loans are named one by one, so that each is looked up: of a query's result nobody knows how few they are.
with versions as (
    select
        instalment.loan_id,
        max(instalment.schedule_version) as schedule_version
    from staging.stg_core_banking__repayment_schedule as instalment
    where instalment.loan_id = any(%(loan_ids)s) and instalment.effective_from <= %(as_of)s
    group by instalment.loan_id
),

instalments as (
    select
        versions.loan_id,
        versions.schedule_version,
        instalment.effective_from,
        instalment.instalment_no,
        instalment.due_date,
        instalment.principal_due + coalesce(instalment.interest_due, 0) + coalesce(instalment.fee_due, 0) as amount
    from versions
    inner join staging.stg_core_banking__repayment_schedule as instalment
        on versions.loan_id = instalment.loan_id and versions.schedule_version = instalment.schedule_version
    where instalment.loan_id = any(%(loan_ids)s)
),

counted_days as (
    select
        versions.loan_id,
        days.due_date,
        max(days.counted_from) as counted_from
    from versions
    inner join intermediate.int_schedule_versions__due as schedule
        on versions.loan_id = schedule.loan_id and versions.schedule_version = schedule.schedule_version
    cross join lateral unnest(schedule.due_dates, schedule.counted_from) as days (due_date, counted_from)
    group by versions.loan_id, days.due_date
),

counted_from as (
    -- A new schedule restates what is owed: earlier payments are in it.
    select
        loan_id,
        case when schedule_version > 1 then min(effective_from) else '-infinity'::date end as first_day
    from instalments
    group by loan_id, schedule_version
)

select
    instalments.loan_id,
    instalments.due_date as happened_on,
    'instalment ' || instalments.instalment_no as what,
    instalments.amount as step,
    coalesce(counted_days.counted_from, instalments.due_date + 1) <= %(as_of)s as is_overdue,
    true as counts,
    0 as place,
    lpad(instalments.instalment_no::text, 9, '0') as tie
from instalments
left join counted_days
    on instalments.loan_id = counted_days.loan_id and instalments.due_date = counted_days.due_date
where instalments.due_date <= %(as_of)s
union all
select
    effect.loan_id,
    effect.counts_from as happened_on,
    case when effect.is_reversal then 'reversal' else effect.kind end as what,
    -effect.amount as step,
    true as is_overdue,
    effect.original_effective_on >= counted_from.first_day as counts,
    1 as place,
    effect.transaction_id as tie
from intermediate.int_loan_transactions__effects as effect
inner join counted_from on effect.loan_id = counted_from.loan_id
where
    effect.loan_id = any(%(loan_ids)s)
    and effect.counts_from <= %(as_of)s
    and effect.kind in ('repayment', 'waiver', 'recovery')
order by 1, 2, 7, 8

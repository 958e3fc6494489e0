-- Every loan that is still alive on the morning of a day, its schedule then in force and what was paid under it, in cents.
with schedules as (
    select
        lines.loan_id,
        lines.schedule_version,
        min(lines.effective_from) as effective_from,
        array_agg(lines.due_date order by lines.instalment_no) as due_dates,
        array_agg(
            cast(
                100 * (lines.principal_due + coalesce(lines.interest_due, 0) + coalesce(lines.fee_due, 0)) as bigint
            ) order by lines.instalment_no
        ) as amounts,
        array_agg(cast(100 * lines.principal_due as bigint) order by lines.instalment_no) as principals
    from core_banking.repayment_schedule as lines
    inner join (
        select
            loan_id,
            max(schedule_version) as schedule_version
        from core_banking.repayment_schedule
        where effective_from <= %(day)s
        group by loan_id
    ) as newest on lines.loan_id = newest.loan_id and lines.schedule_version = newest.schedule_version
    group by lines.loan_id, lines.schedule_version
),

paid as (
    select
        money.loan_id,
        sum(case when money.kind = 'reversal' then -100 else 100 end * money.amount) as cents
    from core_banking.loan_transactions as money
    inner join schedules on money.loan_id = schedules.loan_id
    left join core_banking.loan_transactions as original on money.reverses = original.transaction_id
    where
        money.kind in ('repayment', 'waiver', 'recovery', 'reversal')
        and coalesce(original.kind, money.kind) <> 'write_off'
        and (
            schedules.schedule_version = 1
            or coalesce(original.effective_on, money.effective_on) >= schedules.effective_from
        )
    group by money.loan_id
)

select
    loans.loan_id,
    loans.customer_id,
    loans.currency,
    loans.status,
    schedules.due_dates,
    schedules.amounts,
    schedules.principals,
    cast(coalesce(paid.cents, 0) as bigint) as paid,
    arrangements.kind as relief,
    cast(100 * arrangements.reduced_amount as bigint) as reduced_amount
from core_banking.loans as loans
inner join schedules on loans.loan_id = schedules.loan_id
left join paid on loans.loan_id = paid.loan_id
left join lateral (
    select
        arrangement.kind,
        arrangement.reduced_amount
    from core_banking.hardship_arrangements as arrangement
    where
        arrangement.loan_id = loans.loan_id
        and arrangement.status = 'accepted'
        and arrangement.kind in ('payment_pause', 'reduced_payment')
        and arrangement.starts_on <= %(day)s
        and arrangement.ends_on > %(day)s
    order by arrangement.starts_on desc
    limit 1
) as arrangements on true
where
    loans.status in ('active', 'written_off')
    and loans.disbursed_on < %(day)s
order by loans.loan_id

-- The least SQL that says of every loan of the generated bank what fct_loan_delinquency says of its money and its days:
-- one day, one version of each row, no history, no ledger, no tests. Bound: as_of. The benchmark compares every row.
create table floor.position as
with versions as (
    select
        loan_id,
        schedule_version,
        effective_from,
        due_date,
        instalment_no,
        principal_due,
        principal_due + coalesce(interest_due, 0) + coalesce(fee_due, 0) as amount_due,
        max(schedule_version) over (partition by loan_id) as in_force
    from landing.repayment_schedule
    where effective_from <= %(as_of)s
),

schedule as (
    select
        loan_id,
        schedule_version,
        effective_from,
        due_date,
        principal_due,
        sum(amount_due) over (partition by loan_id order by due_date, instalment_no) as cumulative_due
    from versions
    where schedule_version = in_force
),

in_force as (
    select
        loan_id,
        max(schedule_version) as schedule_version,
        max(case when schedule_version > 1 then effective_from else date '1900-01-01' end) as payments_from
    from schedule
    group by loan_id
),

reversed as (
    select
        reversal.loan_id,
        reversal.reverses,
        payment.effective_on,
        payment.kind,
        sum(reversal.amount) as amount
    from landing.loan_transactions as reversal
    inner join landing.loan_transactions as payment on reversal.reverses = payment.transaction_id
    where reversal.kind = 'reversal' and reversal.effective_on <= %(as_of)s and payment.effective_on <= %(as_of)s
    group by reversal.loan_id, reversal.reverses, payment.effective_on, payment.kind
),

money as (
    select loan_id, effective_on, kind, amount
    from landing.loan_transactions
    where kind in ('repayment', 'waiver', 'recovery') and effective_on <= %(as_of)s
    union all
    select loan_id, effective_on, kind, -amount
    from reversed
),

paid as (
    select
        in_force.loan_id,
        greatest(0, sum(case when money.effective_on >= in_force.payments_from then money.amount else 0 end)) as paid_total
    from in_force
    left join money on in_force.loan_id = money.loan_id
    group by in_force.loan_id
),

last_repayment as (
    select distinct on (payment.loan_id)
        payment.loan_id,
        payment.effective_on,
        payment.amount - coalesce(reversed.amount, 0) as amount
    from landing.loan_transactions as payment
    left join reversed on payment.transaction_id = reversed.reverses
    where
        payment.kind = 'repayment'
        and payment.effective_on <= %(as_of)s
        and payment.amount > coalesce(reversed.amount, 0)
    order by payment.loan_id, payment.effective_on desc, payment.recorded_at desc, payment.transaction_id desc
),

placed as (
    select
        loan.loan_id,
        loan.customer_id,
        loan.product,
        loan.currency,
        customer.jurisdiction,
        loan.day_count,
        schedule.due_date,
        schedule.principal_due,
        schedule.cumulative_due,
        paid.paid_total,
        schedule.due_date + case when customer.jurisdiction = 'IN' then 0 else 1 end as counted_from
    from landing.loans as loan
    inner join landing.customers as customer on loan.customer_id = customer.customer_id
    inner join schedule on loan.loan_id = schedule.loan_id
    inner join paid on loan.loan_id = paid.loan_id
    where loan.disbursed_on <= %(as_of)s and (loan.closed_on is null or loan.closed_on > %(as_of)s)
),

summed as (
    select
        loan_id,
        customer_id,
        product,
        currency,
        jurisdiction,
        day_count,
        paid_total,
        min(due_date) filter (where counted_from <= %(as_of)s and cumulative_due > paid_total) as oldest_unpaid_due_date,
        min(due_date) filter (where due_date >= %(as_of)s and cumulative_due > paid_total) as next_due_date,
        greatest(0, coalesce(max(cumulative_due) filter (where counted_from <= %(as_of)s), 0) - paid_total) as arrears_amount,
        count(*) filter (where counted_from <= %(as_of)s and cumulative_due > paid_total) as unpaid_instalments,
        sum(least(principal_due, greatest(0, cumulative_due - paid_total))) as outstanding_principal
    from placed
    group by loan_id, customer_id, product, currency, jurisdiction, day_count, paid_total
)

select
    summed.*,
    last_repayment.effective_on as last_payment_on,
    last_repayment.amount as last_payment_amount,
    case
        when summed.oldest_unpaid_due_date is null then 0
        else greatest(
            1,
            case when summed.jurisdiction = 'IN' then 1 else 0 end
            + case
                when summed.day_count = 'actual' then %(as_of)s - summed.oldest_unpaid_due_date
                else 360 * (extract(year from %(as_of)s::date) - extract(year from summed.oldest_unpaid_due_date))::integer
                + 30 * (extract(month from %(as_of)s::date) - extract(month from summed.oldest_unpaid_due_date))::integer
                + (
                    case
                        when extract(day from summed.oldest_unpaid_due_date) >= 30
                            then least(extract(day from %(as_of)s::date), 30)
                        else extract(day from %(as_of)s::date)
                    end
                    - least(extract(day from summed.oldest_unpaid_due_date), 30)
                )::integer
            end
        )
    end as days_past_due
from summed
left join last_repayment on summed.loan_id = last_repayment.loan_id

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
    where schedule_version >= in_force
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

open_loans as (
    select
        loan.loan_id,
        loan.customer_id,
        loan.product,
        loan.currency,
        customer.jurisdiction,
        loan.day_count,
        paid.paid_total,
        case when customer.jurisdiction = 'IN' then 0 else 1 end as days_to_count
    from landing.loans as loan
    inner join landing.customers as customer on loan.customer_id = customer.customer_id
    inner join paid on loan.loan_id = paid.loan_id
    where loan.disbursed_on <= %(as_of)s and (loan.closed_on is null or loan.closed_on > %(as_of)s)
),

summed as (
    select
        schedule.loan_id,
        min(due_date) filter (where due_date + days_to_count <= %(as_of)s and cumulative_due > paid_total) as oldest_unpaid_due_date,
        min(due_date) filter (where due_date >= %(as_of)s and cumulative_due > paid_total) as next_due_date,
        max(cumulative_due) filter (where due_date + days_to_count <= %(as_of)s) as counted_due,
        count(*) filter (where due_date + days_to_count <= %(as_of)s and cumulative_due > paid_total) as unpaid_instalments,
        sum(least(principal_due, greatest(0, cumulative_due - paid_total))) as outstanding_principal
    from open_loans
    inner join schedule on open_loans.loan_id = schedule.loan_id
    group by schedule.loan_id
),

placed as (
    select
        open_loans.loan_id,
        open_loans.customer_id,
        open_loans.product,
        open_loans.currency,
        open_loans.jurisdiction,
        open_loans.day_count,
        open_loans.paid_total,
        summed.oldest_unpaid_due_date,
        summed.next_due_date,
        greatest(0, coalesce(summed.counted_due, 0) - open_loans.paid_total) as arrears_amount,
        summed.unpaid_instalments,
        summed.outstanding_principal
    from open_loans
    inner join summed on open_loans.loan_id = summed.loan_id
)

select
    placed.*,
    last_repayment.effective_on as last_payment_on,
    last_repayment.amount as last_payment_amount,
    case
        when placed.oldest_unpaid_due_date is null then 0
        else greatest(
            1,
            case when placed.jurisdiction = 'IN' then 1 else 0 end
            + case
                when placed.day_count = 'actual' then %(as_of)s - placed.oldest_unpaid_due_date
                else 360 * (extract(year from %(as_of)s::date) - extract(year from placed.oldest_unpaid_due_date))::integer
                + 30 * (extract(month from %(as_of)s::date) - extract(month from placed.oldest_unpaid_due_date))::integer
                + (
                    case
                        when extract(day from placed.oldest_unpaid_due_date) >= 30
                            then least(extract(day from %(as_of)s::date), 30)
                        else extract(day from %(as_of)s::date)
                    end
                    - least(extract(day from placed.oldest_unpaid_due_date), 30)
                )::integer
            end
        )
    end as days_past_due
from placed
left join last_repayment on placed.loan_id = last_repayment.loan_id

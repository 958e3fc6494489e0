-- Every instalment that fell due and every movement up to the day, by the schedule in force that day.
with loan as (
    select loans.loan_id
    from ops.delivery_item as item
    inner join staging.stg_core_banking__loans as loans
        on item.customer_id = loans.customer_id and item.currency = loans.currency
    where item.batch_id = %(batch_id)s
),

-- Once for all loans together: asked loan by loan, the whole schedule would be read as often.
versions as (
    select
        instalment.loan_id,
        max(instalment.schedule_version) as schedule_version
    from staging.stg_core_banking__repayment_schedule as instalment
    where instalment.loan_id in (select loan.loan_id from loan) and instalment.effective_from <= %(as_of)s
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
    loan_id,
    due_date as happened_on,
    'instalment ' || instalment_no as what,
    amount,
    true as is_due,
    false as is_reversal,
    true as counts,
    0 as place,
    lpad(instalment_no::text, 9, '0') as tie
from instalments
where due_date <= %(as_of)s
union all
select
    movement.loan_id,
    movement.effective_on as happened_on,
    movement.kind as what,
    movement.amount,
    false as is_due,
    movement.kind = 'reversal' as is_reversal,
    movement.effective_on >= counted_from.first_day as counts,
    1 as place,
    movement.transaction_id as tie
from staging.stg_core_banking__loan_transactions as movement
inner join counted_from on movement.loan_id = counted_from.loan_id
where movement.effective_on <= %(as_of)s and movement.kind in ('repayment', 'waiver', 'recovery', 'reversal')
order by 1, 2, 8, 9

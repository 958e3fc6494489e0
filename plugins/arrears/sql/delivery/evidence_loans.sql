-- The loans that each referral is about, as the ledger of decisions names them.
with cases as (
    select
        item.customer_id,
        item.currency as item_currency,
        loan.loan_id,
        loan.product,
        loan.currency,
        loan.principal,
        loan.annual_rate,
        loan.disbursed_on,
        loan.maturity_on
    from ops.delivery_item as item
    inner join intermediate.int_customers__contact_decision as ledger
        on
            item.customer_id = ledger.customer_id
            and item.currency = ledger.currency
            and ledger.as_of = %(as_of)s
            and ledger.channel = 'legal'
    inner join staging.stg_core_banking__loans as loan on loan.loan_id = any(ledger.loan_ids)
    where item.batch_id = %(batch_id)s
),

versions as (
    select
        instalment.loan_id,
        max(instalment.schedule_version) as schedule_version
    from staging.stg_core_banking__repayment_schedule as instalment
    where instalment.loan_id in (select cases.loan_id from cases) and instalment.effective_from <= %(as_of)s
    group by instalment.loan_id
)

select
    cases.*,
    versions.schedule_version
from cases
left join versions on cases.loan_id = versions.loan_id
order by cases.loan_id collate "C"

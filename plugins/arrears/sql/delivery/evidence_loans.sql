select
    item.customer_id,
    item.currency as item_currency,
    loan.loan_id,
    loan.product,
    loan.currency,
    loan.principal,
    loan.annual_rate,
    loan.disbursed_on,
    loan.maturity_on,
    (
        select max(instalment.schedule_version)
        from staging.stg_core_banking__repayment_schedule as instalment
        where instalment.loan_id = loan.loan_id and instalment.effective_from <= %(as_of)s
    ) as schedule_version
from ops.delivery_item as item
inner join staging.stg_core_banking__loans as loan
    on item.customer_id = loan.customer_id and item.currency = loan.currency
where
    item.batch_id = %(batch_id)s
    and loan.disbursed_on <= %(as_of)s
    and (loan.closed_on is null or loan.closed_on > %(as_of)s)
order by loan.loan_id collate "C"

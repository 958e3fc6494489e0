-- Payments of the day of which something is left, against whom the marts credit them to: a collector, or nobody. Nobody
-- earns money of a customer whom no collector spoke with or was given; of all others each payment has its row, with its
-- amount. Loans of which anything landed since the marts were built wait for the next build.
with landed_since as (
    select landed.loan_id
    from landing.loan_transactions as landed
    where landed._batch_id > (select min(known.batch_id) from ops.loan_state as known)
),

loans as (
    select
        loan.loan_id,
        loan.customer_id
    from intermediate.int_loans__terms as loan
    where loan.loan_id not in (select landed_since.loan_id from landed_since)
),

payments as (
    select
        effect.original_transaction_id as payment_id,
        loans.customer_id,
        sum(effect.amount) as amount
    from intermediate.int_loan_transactions__effects as effect
    inner join loans on effect.loan_id = loans.loan_id
    where
        effect.original_effective_on = %(as_of)s
        and effect.kind in ('repayment', 'recovery')
        and effect.counts_from <= (select horizon.known_until from intermediate.int_builds__horizon as horizon)
    group by effect.original_transaction_id, loans.customer_id
    having sum(effect.amount) > 0
),

worked as (
    select customer_id from marts.fct_contact_attempt
    where is_right_party and collector_id is not null
    union
    select customer_id from staging.stg_core_banking__collector_assignments
),

credited as (
    select
        payments.payment_id,
        attributed.attributed_by
    from payments
    inner join intermediate.int_payments__attributed as attributed
        on payments.payment_id = attributed.payment_id and payments.amount = attributed.amount
)

select
    (select count(*) from payments) as made,
    (select count(*) from credited where attributed_by <> 'none') as attributed,
    (select count(*) from credited where attributed_by = 'none')
    + (
        select count(*) from payments
        where payments.customer_id not in (select worked.customer_id from worked where worked.customer_id is not null)
    ) as unattributed

-- Loans of which the history published something else for an older day than its rebuild. What it published is the
-- history of now with what later builds corrected undone: the first of these corrections has the figures from before.
create temporary table compared on commit drop as
with corrected as (
    select distinct on (loan_id)
        loan_id,
        old_oldest_unpaid_due_date,
        old_arrears_amount,
        old_paid_total,
        old_outstanding_principal,
        old_unpaid_instalments
    from ops.delinquency_correction
    where
        build_id > %(build_id)s
        and valid_from <= %(as_of)s
        and valid_to > %(as_of)s
    order by loan_id, correction_id
),

published as (
    select
        history.loan_id,
        history.oldest_unpaid_due_date,
        history.arrears_amount,
        history.paid_total,
        history.outstanding_principal,
        history.unpaid_instalments
    from marts.fct_delinquency_history as history
    where
        history.valid_from <= %(as_of)s
        and (history.valid_to is null or history.valid_to > %(as_of)s)
        and not exists (select 1 from corrected where corrected.loan_id = history.loan_id)
    union all
    select
        loan_id,
        old_oldest_unpaid_due_date,
        old_arrears_amount,
        old_paid_total,
        old_outstanding_principal,
        old_unpaid_instalments
    from corrected
    -- Where it is null the loan was not in the history.
    where old_arrears_amount is not null
),

rebuilt as (
    select
        loan_id,
        oldest_unpaid_due_date,
        arrears_amount,
        paid_total,
        outstanding_principal,
        unpaid_instalments
    from rebuild_marts.fct_loan_delinquency
)

select
    loan_id,
    to_jsonb(published) as published,
    to_jsonb(rebuilt) as rebuilt
from published
full join rebuilt using (loan_id)
where row(published.*) is distinct from row(rebuilt.*)

-- Loans on past days, all that was known of them then, and what came of it where that is known on the day.
select
    history.*,
    outcome.outcome,
    outcome.known_on
from intermediate.int_loans__risk_history as history
inner join intermediate.int_loans__risk_outcome as outcome
    on history.loan_id = outcome.loan_id and history.as_of_date = outcome.as_of_date
where
    outcome.purpose = %(purpose)s
    and outcome.known_on <= %(as_of)s
order by history.loan_id, history.as_of_date

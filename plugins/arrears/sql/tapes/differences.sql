-- Every difference, with what explains it.
select
    observations.ends_on,
    observations.originator,
    observations.reported,
    observations.instalment,
    observations.due_day,
    observations.day_count,
    observations.events,
    coalesce(positions.days_past_due, 0) as days_past_due,
    coalesce(positions.arrears_amount, 0) as arrears_amount,
    positions.oldest_unpaid_due_date
from tape_check.observations
left join tape_check.positions
    on observations.loan_id = positions.loan_id and observations.ends_on = positions.ends_on
where coalesce(positions.days_past_due, 0) <> observations.reported

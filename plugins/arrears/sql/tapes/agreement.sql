-- How well both figures agree, by originator. A loan without a position owes nothing overdue: 0 days.
with compared as (
    select
        observations.originator,
        observations.loan_id,
        observations.reported,
        coalesce(positions.days_past_due, 0) as days_past_due
    from tape_check.observations
    left join tape_check.positions
        on observations.loan_id = positions.loan_id and observations.ends_on = positions.ends_on
)

select
    originator,
    count(distinct loan_id) as loans,
    count(*) as observations,
    count(*) filter (where days_past_due = reported) as exact,
    count(*) filter (where abs(days_past_due - reported) <= 1) as within_1,
    count(*) filter (where abs(days_past_due - reported) <= 5) as within_5,
    count(*) filter (where days_past_due > reported) as more_days,
    count(*) filter (where days_past_due < reported) as fewer_days,
    count(*) filter (where days_past_due > 0 or reported > 0) as late,
    count(*) filter (where days_past_due = reported and reported > 0) as late_exact
from compared
group by originator
order by originator

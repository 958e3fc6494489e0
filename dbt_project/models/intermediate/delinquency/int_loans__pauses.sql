with arrangements as (
    select * from {{ ref('stg_core_banking__hardship_arrangements') }}
),

pauses as (
    select
        loan_id,
        starts_on,
        least(ends_on, coalesce(ended_on, ends_on)) as ends_on
    from arrangements
    where
        kind = 'payment_pause'
        and status in ('accepted', 'completed', 'broken')
),

-- Overlapping and adjoining pauses are one: a day is paused once, however many pauses it lies in.
compared as (
    select
        loan_id,
        starts_on,
        ends_on,
        max(ends_on) over (
            partition by loan_id
            order by starts_on, ends_on
            rows between unbounded preceding and 1 preceding
        ) as reached_so_far
    from pauses
    where starts_on < ends_on
),

numbered as (
    select
        loan_id,
        starts_on,
        ends_on,
        sum(case when starts_on <= reached_so_far then 0 else 1 end) over (
            partition by loan_id
            order by starts_on, ends_on
            rows between unbounded preceding and current row
        ) as pause_no
    from compared
)

select
    loan_id,
    min(starts_on) as starts_on,
    max(ends_on) as ends_on
from numbered
group by loan_id, pause_no

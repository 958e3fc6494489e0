with outcomes as (
    select * from {{ ref('int_experiments__outcome') }}
)

select
    experiment,
    arm,
    month,
    currency,
    count(*) as customers,
    count(*) filter (where is_complete) as complete,
    count(*) filter (where is_cured) as cured,
    count(*) filter (where is_complete and is_contacted) as contacted,
    count(*) filter (where has_complained) as complained,
    count(*) filter (where has_opted_out) as opted_out,
    coalesce(sum(recovered) filter (where is_complete), 0) as recovered,
    coalesce(sum(recovered * recovered) filter (where is_complete), 0) as recovered_squares,
    case
        when count(cost) filter (where is_complete) = count(*) filter (where is_complete)
            then coalesce(sum(cost) filter (where is_complete), 0)
    end as cost
from outcomes
group by experiment, arm, month, currency

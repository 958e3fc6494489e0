-- What customers of each arm paid, over all months, at one look.
select
    arm,
    currency,
    versus,
    measured,
    recovered,
    cost,
    recovered_uplift,
    recovered_uplift_low,
    recovered_uplift_high
from ops.experiment_uplift
where
    look_id = %(look_id)s
    and experiment = %(experiment)s
    and month is null
    and measured > 0
order by currency, arm <> 'champion', arm

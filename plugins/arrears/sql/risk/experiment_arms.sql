-- The arms of experiments that have begun, as the seed has them.
select
    experiment,
    arm,
    treatment,
    share,
    least_effect
from staging.experiments
where valid_from <= %(as_of)s
order by experiment, arm

select
    experiment,
    arm,
    month,
    currency,
    customers,
    complete,
    cured,
    contacted,
    complained,
    opted_out,
    recovered,
    recovered_squares,
    cost
from intermediate.int_experiments__sums
order by experiment, arm, month, currency

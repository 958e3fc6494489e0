select
    kind,
    product,
    calendar_month,
    valid_from,
    valid_to,
    factor
from staging.forecast_assumptions
order by kind, product nulls first, calendar_month nulls first, valid_from

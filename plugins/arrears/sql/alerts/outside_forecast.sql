-- Where the newest month that ended by the business date has another overdue rate than was forecast a month before.
select
    forecast.product,
    forecast.currency,
    forecast.month,
    round(100 * forecast.actual_rate, 2) as actual,
    round(100 * forecast.low, 2) as low,
    round(100 * forecast.high, 2) as high
from marts.overdue_rate_forecast as forecast
where
    forecast.months_ahead = 1
    and forecast.is_outside
    and forecast.month = (
        select max(ended.month)
        from marts.overdue_rate_forecast as ended
        where ended.actual_rate is not null and ended.month < date_trunc('month', %(as_of)s::date + 1)
    )

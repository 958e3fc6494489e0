with calendar as (
    select * from {{ source('ops', 'calendar_day') }}
),

days as (
    select
        day,
        array_agg(jurisdiction order by jurisdiction) filter (where is_business_day) as business_day_in,
        array_agg(jurisdiction order by jurisdiction) filter (where is_public_holiday) as public_holiday_in
    from calendar
    group by day
)

select
    day as date_day,
    cast(extract(year from day) as integer) as calendar_year,
    cast(extract(quarter from day) as integer) as calendar_quarter,
    cast(date_trunc('month', day) as date) as month_start,
    cast(extract(isoyear from day) as integer) as iso_year,
    cast(extract(week from day) as integer) as iso_week,
    cast(extract(isodow from day) as integer) as iso_weekday,
    extract(isodow from day) >= 6 as is_weekend,
    cast(date_trunc('month', day) + interval '1 month' - interval '1 day' as date) = day as is_month_end,
    coalesce(business_day_in, cast(array[] as text[])) as business_day_in,
    coalesce(public_holiday_in, cast(array[] as text[])) as public_holiday_in
from days

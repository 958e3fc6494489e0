with calendar as (
    select * from {{ source('ops', 'calendar_day') }}
),

days as (
    select
        day,
        {{ ordered_array('jurisdiction', 'jurisdiction', 'is_business_day') }} as business_day_in,
        {{ ordered_array('jurisdiction', 'jurisdiction', 'is_public_holiday') }} as public_holiday_in
    from calendar
    group by day
)

select
    day as date_day,
    cast(extract(year from day) as integer) as calendar_year,
    cast(extract(quarter from day) as integer) as calendar_quarter,
    {{ month_of('day') }} as month_start,
    cast(extract(isoyear from day) as integer) as iso_year,
    cast(extract(week from day) as integer) as iso_week,
    cast(extract(isodow from day) as integer) as iso_weekday,
    extract(isodow from day) >= 6 as is_weekend,
    {{ month_end_of('day') }} = day as is_month_end,
    coalesce(business_day_in, {{ texts() }}) as business_day_in,
    coalesce(public_holiday_in, {{ texts() }}) as public_holiday_in
from days

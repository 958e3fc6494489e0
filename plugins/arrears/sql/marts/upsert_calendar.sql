insert into ops.calendar_day as known (jurisdiction, day, is_business_day, is_public_holiday, holiday_name)
values %s
on conflict (jurisdiction, day) do update set
    is_business_day = excluded.is_business_day,
    is_public_holiday = excluded.is_public_holiday,
    holiday_name = excluded.holiday_name
where
    (known.is_business_day, known.is_public_holiday, known.holiday_name)
    is distinct from (excluded.is_business_day, excluded.is_public_holiday, excluded.holiday_name)

-- The customer, without anything that says who it is.
select
    customer.customer_id,
    customer.jurisdiction,
    customer.time_zone,
    (
        select array_agg(zone.time_zone order by zone.time_zone)
        from staging.jurisdiction_time_zones as zone
        where zone.jurisdiction = customer.jurisdiction
    ) as zones_of_jurisdiction,
    exists (
        select from ops.calendar_day as calendar
        where
            calendar.jurisdiction = customer.jurisdiction
            and calendar.day = %(as_of)s
            and calendar.is_public_holiday
    ) as is_public_holiday
from staging.stg_core_banking__customers as customer
where customer.customer_id = %(customer_id)s

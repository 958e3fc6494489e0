select
    vendor,
    channel,
    connection_id,
    directory,
    encryption_key,
    acknowledges_stop,
    cut_off::text as cut_off,
    daily_capacity
from staging.vendors
order by vendor, channel

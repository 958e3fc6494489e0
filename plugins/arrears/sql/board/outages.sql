-- The vendors that fail now.
select
    vendor,
    began_at,
    failures,
    reason,
    opened_at,
    next_try_at
from ops.vendor_outage
where ended_at is null
order by vendor

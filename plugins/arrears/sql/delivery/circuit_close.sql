update ops.vendor_outage
set ended_at = greatest(%(now)s, began_at)
where vendor = %(vendor)s and ended_at is null

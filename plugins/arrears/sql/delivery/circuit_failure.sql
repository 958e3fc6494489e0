insert into ops.vendor_outage as outage (vendor, began_at, last_failed_at, reason, opened_at, next_try_at)
values (
    %(vendor)s,
    %(now)s,
    %(now)s,
    %(reason)s,
    case when %(opens_after)s <= 1 then %(now)s end,
    case when %(opens_after)s <= 1 then %(now)s + %(first_wait)s end
)
on conflict (vendor) where ended_at is null do update set
    failures = outage.failures + 1,
    last_failed_at = excluded.last_failed_at,
    reason = excluded.reason,
    opened_at
    = coalesce(outage.opened_at, case when outage.failures + 1 >= %(opens_after)s then excluded.last_failed_at end),
    next_try_at
    = coalesce(outage.next_try_at, case when outage.failures + 1 >= %(opens_after)s then %(now)s + %(first_wait)s end)

-- What was looked at and not found any more; and failures of tasks that did not come again for a day.
update ops.alert
set closed_at = %(now)s
where
    closed_at is null
    and (
        (
            raised_by = %(watch)s
            and code = any(%(codes)s)
            and last_seen_at <= %(now)s
            and code || ' ' || subject <> all(%(found)s)
        )
        or (raised_by <> %(watch)s and last_seen_at < %(now)s - %(longest)s)
    )
returning alert_id

-- What ended a moment ago and is there again is the same alert, not a new one.
update ops.alert
set closed_at = null
where alert_id in (
    select max(latest.alert_id)
    from ops.alert as latest
    where latest.code = %(code)s and latest.subject = %(subject)s
    having max(latest.closed_at) > %(now)s - %(calm)s and bool_and(latest.closed_at is not null)
)

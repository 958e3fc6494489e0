select
    alert.alert_id,
    alert.code,
    alert.subject,
    alert.severity,
    alert.summary,
    alert.run_book,
    alert.log_url,
    alert.as_of,
    alert.opened_at,
    alert.last_seen_at,
    alert.last_sent_at,
    (
        select string_agg(
            message.destination || ' (' || message.tries || ' tries: ' || coalesce(message.last_error, 'not yet') || ')', ', '
            order by message.destination
        )
        from ops.alert_message as message
        where message.alert_id = alert.alert_id and message.state = 'waiting'
    ) as not_told
from ops.alert as alert
where alert.closed_at is null
order by alert.severity, alert.opened_at, alert.alert_id

-- A message for each open alert and destination that was not told, or so long ago that it is told again. Where one still waits
-- there is no second; and a destination that just heard that it is over is left in peace for a while.
insert into ops.alert_message (alert_id, destination, occasion, written_at)
select
    alert.alert_id,
    place.destination,
    case when last.occasion in ('opened', 'repeated') then 'repeated' else 'opened' end,
    %(now)s
from ops.alert as alert
cross join unnest(%(destinations)s::text []) as place (destination)
left join lateral (
    select
        message.occasion,
        message.state,
        message.written_at
    from ops.alert_message as message
    where
        message.alert_id = alert.alert_id
        and message.destination = place.destination
        and message.state <> 'dropped'
    order by message.message_id desc
    limit 1
) as last on true
where
    alert.closed_at is null
    and (
        last.occasion is null
        or (
            last.state = 'sent'
            and last.written_at <= %(now)s - case when last.occasion = 'closed' then %(calm)s else %(repeat)s end
        )
    )
order by alert.severity, alert.alert_id, place.destination

-- Whoever was told that it began is told that it is over.
insert into ops.alert_message (alert_id, destination, occasion, written_at)
select
    last.alert_id,
    last.destination,
    'closed',
    %(now)s
from (
    select distinct on (message.alert_id, message.destination)
        message.alert_id,
        message.destination,
        message.occasion,
        message.state
    from ops.alert_message as message
    where message.alert_id = any(%(alert_ids)s) and message.state <> 'dropped'
    order by message.alert_id, message.destination, message.message_id desc
) as last
where last.state = 'sent' and last.occasion <> 'closed'
order by last.alert_id, last.destination

-- One message, locked for whoever sends it. It is of use while it says what is so.
select
    message.occasion,
    alert.alert_id,
    alert.code,
    alert.severity,
    alert.subject,
    alert.summary,
    alert.run_book,
    alert.log_url,
    alert.opened_at,
    (message.occasion = 'closed') = (alert.closed_at is not null) as is_so
from ops.alert_message as message
inner join ops.alert as alert on message.alert_id = alert.alert_id
where message.message_id = %(message_id)s and message.state = 'waiting'
for update of message skip locked

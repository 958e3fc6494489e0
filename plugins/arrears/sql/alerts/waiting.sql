select message_id
from ops.alert_message
where state = 'waiting' and destination = %(destination)s
order by message_id

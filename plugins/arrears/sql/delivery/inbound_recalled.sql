-- Since when each row of a list was to be left alone.
select
    contact_ref,
    stopped_at
from ops.stopped_row
where batch_id = %(batch_id)s

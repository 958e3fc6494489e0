select
    name,
    content,
    row_count,
    control_totals,
    encryption
from ops.delivery_file
where batch_id = %s
order by position

update ops.delivery_file
set removed_at = clock_timestamp()
where batch_id = %(batch_id)s and name = %(name)s

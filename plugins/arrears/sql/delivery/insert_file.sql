insert into ops.delivery_file (
    batch_id,
    name,
    position,
    content,
    sha256,
    row_count,
    control_totals,
    encryption
)
values (
    %(batch_id)s,
    %(name)s,
    %(position)s,
    %(content)s,
    %(sha256)s,
    %(row_count)s,
    %(control_totals)s,
    %(encryption)s
)

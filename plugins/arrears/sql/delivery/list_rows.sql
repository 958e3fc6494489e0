select
    {columns}
from {table} as list
where
    list.as_of = %(as_of)s
    and list.vendor = %(vendor)s
    and {condition}
order by list.customer_id collate "C", list.currency collate "C"

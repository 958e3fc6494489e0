select
    {columns},
    ledger.contact_customer_id
from {table} as list
left join intermediate.int_customers__contact_decision as ledger
    on
        list.as_of = ledger.as_of
        and list.customer_id = ledger.customer_id
        and list.currency = ledger.currency
        and ledger.channel = %(channel)s
where
    list.as_of = %(as_of)s
    and list.vendor = %(vendor)s
    and {condition}
order by list.customer_id collate "C", list.currency collate "C"

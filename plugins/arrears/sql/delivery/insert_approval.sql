insert into ops.legal_approval (generation, as_of, customer_id, currency, approver, is_approved, is_demo)
values (%(generation)s, %(as_of)s, %(customer_id)s, %(currency)s, %(approver)s, %(is_approved)s, %(is_demo)s)
on conflict do nothing

select
    phone as number,
    customer_id
from intermediate.int_contact_list__sms
where as_of = %(as_of)s and phone = any(%(numbers)s)
union
select
    phone as number,
    customer_id
from intermediate.int_contact_list__phone
where as_of = %(as_of)s and phone = any(%(numbers)s)
union
select
    alternate_phone as number,
    customer_id
from intermediate.int_contact_list__phone
where as_of = %(as_of)s and alternate_phone = any(%(numbers)s)
union
select
    phone as number,
    customer_id
from intermediate.int_contact_list__care
where as_of = %(as_of)s and phone = any(%(numbers)s)

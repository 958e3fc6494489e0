select
    contact_ref,
    customer_id,
    currency,
    contact_point_id,
    reason,
    pay_link_token,
    contact_customer_id
from ops.delivery_item
where batch_id = %s
order by contact_ref collate "C"

insert into ops.delivery_item (
    batch_id,
    contact_ref,
    customer_id,
    currency,
    contact_point_id,
    reason,
    pay_link_token,
    contact_customer_id
)
values %s

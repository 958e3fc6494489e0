select
    item.customer_id,
    item.customer_id as own_id
from ops.delivery_item as item
where item.batch_id = %(batch_id)s
union
select
    item.customer_id,
    loan.loan_id as own_id
from ops.delivery_item as item
inner join staging.stg_core_banking__loans as loan on item.customer_id = loan.customer_id
where item.batch_id = %(batch_id)s
union
select
    item.customer_id,
    customer.national_id as own_id
from ops.delivery_item as item
inner join staging.stg_core_banking__customers as customer on item.customer_id = customer.customer_id
where
    item.batch_id = %(batch_id)s
    and customer.national_id is not null

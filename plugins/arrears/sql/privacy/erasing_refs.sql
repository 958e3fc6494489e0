-- What vendors call the customers by, gathered before the ledger forgets whose references they are.
create temporary table erasing_ref on commit drop as
select
    item.batch_id,
    item.contact_ref
from ops.delivery_item as item
inner join erasing on item.customer_id = erasing.customer_id
union
select
    item.batch_id,
    item.contact_ref
from ops.delivery_item as item
inner join erasing on item.contact_customer_id = erasing.customer_id;

analyze erasing_ref;

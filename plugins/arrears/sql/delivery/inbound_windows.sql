-- When each row of a list may be worked, as the decision said.
select
    item.contact_ref,
    decision.window_start,
    decision.window_end
from ops.delivery_batch as batch
inner join ops.delivery_item as item on batch.batch_id = item.batch_id
inner join marts.fct_contact_decision as decision
    on
        batch.as_of = decision.as_of
        and batch.channel = decision.channel
        and item.customer_id = decision.customer_id
        and item.currency = decision.currency
where batch.batch_id = %(batch_id)s

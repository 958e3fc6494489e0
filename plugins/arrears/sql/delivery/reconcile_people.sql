-- Contacts that were decided against those that a list holds. A list that was refused, expired or superseded counts for "on a
-- list", and does not count for "twice": nobody is contacted from it.
with listed as (
    select
        batch.channel,
        item.customer_id,
        item.currency,
        count(*) filter (where batch.state <> all(array['refused', 'expired', 'superseded'])) as times
    from ops.delivery_batch as batch
    inner join ops.delivery_item as item on batch.batch_id = item.batch_id
    where
        batch.kind = 'contact_list'
        and batch.as_of = %(as_of)s
        and batch.vendor = any(%(vendors)s)
        and batch.state <> 'superseded'
    group by batch.channel, item.customer_id, item.currency
),

decided as (
    select
        channel,
        customer_id,
        currency
    from marts.fct_contact_decision
    where as_of = %(as_of)s and decision = 'contact' and vendor = any(%(vendors)s)
)

select
    channel,
    count(*) filter (where listed.times > 1) as twice,
    count(*) filter (where listed.customer_id is null) as missing,
    count(*) filter (where decided.customer_id is null and listed.times > 0) as undecided
from listed
full join decided using (channel, customer_id, currency)
group by channel
order by channel

-- How many rows of a list break which rule, by the facts that they were decided from. Once another build has run, the facts
-- are others, and what is new in them is for the day's recalls.
select
    breach.rule,
    count(distinct item.contact_ref) as rows
from ops.delivery_item as item
inner join ops.delivery_batch as batch on item.batch_id = batch.batch_id
inner join ops.sealed_day as sealed on batch.generation = sealed.generation and batch.as_of = sealed.as_of
inner join intermediate.int_contacts__breach as breach
    on
        batch.as_of = breach.as_of
        and batch.channel = breach.channel
        and item.customer_id = breach.customer_id
        and item.currency = breach.currency
where
    item.batch_id = %(batch_id)s
    and sealed.build_id = (select max(build.build_id) from ops.mart_build as build)
group by breach.rule

-- Everything up to the end of the day in the bank's time zone.
select
    item.customer_id,
    item.currency as item_currency,
    attempt.attempted_at as happened_at,
    'outbound' as direction,
    attempt.channel,
    attempt.disposition
from ops.delivery_item as item
inner join marts.fct_contact_attempt as attempt on item.customer_id = attempt.customer_id
where
    item.batch_id = %(batch_id)s
    and attempt.attempted_at < (%(as_of)s::date + 1)::timestamp at time zone %(time_zone)s
union all
select
    item.customer_id,
    item.currency as item_currency,
    interaction.occurred_at as happened_at,
    interaction.direction,
    interaction.channel,
    interaction.disposition
from ops.delivery_item as item
inner join staging.stg_core_banking__customer_interactions as interaction
    on item.customer_id = interaction.customer_id
where
    item.batch_id = %(batch_id)s
    and interaction.occurred_at < (%(as_of)s::date + 1)::timestamp at time zone %(time_zone)s
order by 3, 5, 6

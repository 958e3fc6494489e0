with items as (
    select * from {{ source('ops', 'delivery_item') }}
),

batches as (
    select * from {{ source('ops', 'delivery_batch') }}
),

generations as (
    select * from {{ source('ops', 'source_generation') }}
)

select
    items.batch_id,
    items.contact_ref,
    items.customer_id,
    items.currency,
    items.contact_point_id,
    items.is_final,
    batches.channel,
    batches.vendor,
    batches.as_of,
    batches.state,
    batches.valid_until
from items
inner join batches on items.batch_id = batches.batch_id
where
    batches.kind = 'contact_list'
    and batches.generation = (select max(generations.generation) from generations)
    -- What is planned from a list is known once the list is.
    and {{ is_known('batches.planned_at') }}

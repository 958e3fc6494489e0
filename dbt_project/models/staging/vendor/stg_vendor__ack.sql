with acks as (
    select * from {{ source('vendor', 'vendor_ack') }}
    where {{ is_known('_loaded_at') }}
),

ranked as (
    select
        acks.*,
        row_number() over (
            partition by acks._vendor, acks.batch_id
            order by acks._loaded_at desc, acks._row_id desc
        ) as version_rank
    from acks
)

select
    _row_id as ack_id,
    _vendor as vendor,
    batch_id,
    received_at,
    rows as row_count,
    accepted as accepted_count,
    sha256,
    _loaded_at as loaded_at,
    cast({{ json_array_size('rejected') }} as integer) as rejected_count
from ranked
where version_rank = 1

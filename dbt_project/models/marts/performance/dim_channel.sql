with channels as (
    select * from {{ ref('channels') }}
)

select
    channel,
    name,
    position,
    medium
from channels

with points as (
    select * from {{ ref('int_contact_points__usable') }}
),

channels as (
    select * from {{ ref('channels') }}
),

serving as (
    select
        points.*,
        channels.channel,
        not(points.is_invalid or points.is_refused or points.is_shared) as is_usable
    from points
    inner join channels
        on
            points.kind = channels.contact_kind
            or (channels.contact_kind = 'phone' and points.point_group = 'phone')
)

select
    customer_id,
    channel,
    ({{ ordered_array('contact_point_id', 'preference', 'is_usable') }})[1] as contact_point_id,
    ({{ ordered_array('contact_point_id', 'preference', 'is_usable') }})[2] as alternate_contact_point_id,
    bool_or(is_refused) as is_any_refused,
    bool_or(is_invalid) as is_any_invalid,
    bool_or(is_shared) as is_any_shared
from serving
group by customer_id, channel

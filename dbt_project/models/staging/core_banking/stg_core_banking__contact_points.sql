select
    contact_point_id,
    customer_id,
    kind,
    value,
    city,
    postal_code,
    latitude,
    longitude,
    is_valid,
    source,
    consent,
    updated_at,
    _batch_id,
    coalesce(relation, 'self') as relation
from (
    {{ newest_version('contact_points', key=['contact_point_id']) }}
) as versions

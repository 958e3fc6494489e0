select
    customer_id,
    channel,
    consent,
    valid_from,
    valid_to,
    preferred_from,
    preferred_to,
    updated_at,
    _batch_id
from (
    {{ newest_version('contact_consents', key=['customer_id', 'channel', 'valid_from']) }}
) as versions

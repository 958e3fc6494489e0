select
    customer_id,
    currency,
    window_start,
    window_end
from marts.fct_contact_decision
where
    as_of = %(as_of)s
    and channel = %(channel)s
    and vendor = %(vendor)s
    and decision = 'contact'

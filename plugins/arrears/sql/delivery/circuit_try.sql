-- An open circuit lets one try through when its time has come, and is asked for no other until then: what is returned is why
-- this one may not. A clock that was put back must not keep it shut for longer than it ever waits.
with circuit as (
    select
        outage_id,
        failures,
        next_try_at,
        reason,
        next_try_at <= %(now)s or next_try_at > %(now)s + %(longest_wait)s as is_due
    from ops.vendor_outage
    where vendor = %(vendor)s and ended_at is null and opened_at is not null
    for update
),

let_through as (
    update ops.vendor_outage as outage
    set
        tries = outage.tries + 1,
        next_try_at = %(now)s + least(%(longest_wait)s, %(first_wait)s * power(2, least(outage.tries, 20)))
    from circuit
    where circuit.is_due and outage.outage_id = circuit.outage_id
)

select
    failures,
    next_try_at,
    reason
from circuit
where not is_due

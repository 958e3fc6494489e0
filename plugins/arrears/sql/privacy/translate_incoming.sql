-- A template: in rows that are about to land, erasures take the place of erased customers.
update {relation} as incoming
set customer_id = erasure.erasure_id{anonymous}
from ops.erasure
where
    {batch}
    and erasure.customer_hash = sha256(%(outer_key)s || sha256(%(inner_key)s || convert_to(incoming.customer_id, 'UTF8')))

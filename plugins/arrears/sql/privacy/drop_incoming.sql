-- A template: rows of erased customers that are about to land, of tables of which nothing is kept.
delete from {relation} as incoming
using ops.erasure
where
    {batch}
    and erasure.customer_hash = sha256(%(outer_key)s || sha256(%(inner_key)s || convert_to(incoming.customer_id, 'UTF8')))

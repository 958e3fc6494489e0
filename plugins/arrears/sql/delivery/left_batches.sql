-- A vendor's batches of a day of which the ledger knows that they left, or may have.
select batch_id
from ops.delivery_batch
where
    vendor = %(vendor)s
    and as_of = %(as_of)s
    and (sending_since is not null or state in ('uploaded', 'acknowledged', 'closed', 'refused'))

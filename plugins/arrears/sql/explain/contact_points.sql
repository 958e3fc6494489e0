-- The contact points that the ledger's rows would use.
select
    point.contact_point_id,
    point.kind,
    point.value
from staging.stg_core_banking__contact_points as point
where point.contact_point_id = any(%(contact_point_ids)s)

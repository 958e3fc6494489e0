-- A template.
select count(*)
from {quarantine} as rejected
where
    ({is_filled})
    and cast(rejected.quarantined_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s

-- A template: the personal values of rejected rows; which row it was and why stays.
update {quarantine} as rejected
set {cleared}
where
    ({is_filled})
    and cast(rejected.quarantined_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s

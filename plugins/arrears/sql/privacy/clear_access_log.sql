delete from ops.personal_data_access
where cast(accessed_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s

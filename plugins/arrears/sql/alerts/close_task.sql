-- A task that went through ends its own alerts: those of this business date and of earlier ones.
update ops.alert
set closed_at = %(now)s
where
    closed_at is null
    and raised_by = %(raised_by)s
    and (as_of is null or %(as_of)s::date is null or as_of <= %(as_of)s::date)
returning alert_id

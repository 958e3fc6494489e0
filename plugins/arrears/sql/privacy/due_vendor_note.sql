select
    (
        select count(*)
        from landing.vendor_result
        where
            (note is not null or recording_ref not like 'erased-%%')
            and cast(attempted_at at time zone %(zone)s as date) + %(days)s <= %(as_of)s
    )
    + (
        select count(*)
        from landing.vendor_qa
        where recording_ref not like 'erased-%%' and reviewed_on + %(days)s <= %(as_of)s
    )

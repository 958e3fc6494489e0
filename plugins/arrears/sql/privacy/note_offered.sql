-- A template: the source still has customers who were erased here. Not silent, and nothing of them landed.
update ops.erasure
set last_offered_at = clock_timestamp()
where erasure_id in (
    select incoming.customer_id
    from {relation} as incoming
    where {batch}
)

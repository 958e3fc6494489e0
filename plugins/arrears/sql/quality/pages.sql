-- The pages that results since a business date name, the newest first: when the gate ran, and whether all of its rules were met.
select
    docs_path,
    max(checked_at) at time zone 'UTC' as checked_at,
    bool_and(success) as is_met
from ops.quality_results
where
    docs_path is not null
    and coalesce(as_of, checked_at::date) > %(since)s
group by docs_path
order by max(checked_at) desc, docs_path asc

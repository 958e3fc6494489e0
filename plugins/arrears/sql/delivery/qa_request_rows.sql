-- The recordings that a vendor is asked to review on a day, in the order of its file.
select
    recording_ref,
    collector_id,
    reason
from marts.qa_request
where as_of = %(as_of)s and vendor = %(vendor)s
order by recording_ref collate "C"

-- A review that came before to the letter, in this file or an earlier one, is not landed again.
insert into landing.vendor_qa (
    _vendor, _file_sha256, _line_number, recording_ref, collector_id, reviewed_on, score, breach_code, reviewer
)
select distinct on (
    incoming.recording_ref,
    incoming.collector_id,
    incoming.reviewed_on,
    incoming.score,
    incoming.breach_code,
    incoming.reviewer
)
    %(vendor)s,
    %(sha256)s,
    incoming._line_number,
    incoming.recording_ref,
    incoming.collector_id,
    incoming.reviewed_on,
    incoming.score,
    incoming.breach_code,
    incoming.reviewer
from incoming_qa as incoming
where
    not exists (
        select 1
        from landing.vendor_qa as landed
        where
            landed._vendor = %(vendor)s
            and landed.recording_ref = incoming.recording_ref
            and landed.collector_id = incoming.collector_id
            and landed.reviewed_on = incoming.reviewed_on
            and landed.score = incoming.score
            and landed.breach_code is not distinct from incoming.breach_code
            and landed.reviewer is not distinct from incoming.reviewer
    )
order by
    incoming.recording_ref,
    incoming.collector_id,
    incoming.reviewed_on,
    incoming.score,
    incoming.breach_code,
    incoming.reviewer,
    incoming._line_number

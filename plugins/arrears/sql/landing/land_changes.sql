-- Land what the warehouse does not have to the letter. A template; `window` limits the comparison to the hours that
-- were read, since an equal row has an equal changed-at.
insert into {landing} (_batch_id, {columns})
select
    %(batch_id)s,
    {incoming_columns}
from {incoming} as incoming
where not exists (
    select from {landing} as present
    where
        present._batch_id = any(%(passed)s)
        and {window}
        and hash_record_extended(row({present_columns}), 0) = hash_record_extended(row({incoming_columns}), 0)
        and row({present_columns}) is not distinct from row({incoming_columns})
)
order by incoming.{changed_at}

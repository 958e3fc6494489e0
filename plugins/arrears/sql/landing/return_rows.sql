-- Land again what was rejected because of its parent, now that the parent is in this batch: the source will not send
-- the row again, since it did not change.
insert into {landing} (_batch_id, {columns})
select distinct on ({held_key})
    %(batch_id)s,
    {held_columns}
from {quarantine} as held
where
    held._batch_id = any(%(passed)s)
    and held.reason_code = any(%(reasons)s)
    and exists (
        select from {parent} as parent
        where parent._batch_id = %(batch_id)s and parent.{parent_column} = held.{child_column}
    )
    -- A later version of the row has taken its place, in a passed batch or in this one.
    and not exists (
        select from {landing} as later
        where
            {later_is_held}
            and later._row_id > held._row_id
            and (later._batch_id = any(%(passed)s) or later._batch_id = %(batch_id)s)
    )
order by {held_key}, held._row_id desc

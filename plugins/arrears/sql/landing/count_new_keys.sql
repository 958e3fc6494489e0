-- Rows of this batch whose key no passed batch has: by so many the source must have grown since.
select count(*)
from {landing} as landed
where
    landed._batch_id = %(batch_id)s
    and not exists (
        select from {landing} as present
        where present._batch_id = any(%(passed)s) and {present_is_landed}
    )

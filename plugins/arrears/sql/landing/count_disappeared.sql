-- Keys that passed batches have and the source, read whole, no longer offers.
select count(*)
from (
    select {present_key}
    from {landing} as present
    where present._batch_id = any(%(passed)s)
    except
    select {incoming_key}
    from {incoming} as incoming
) as disappeared

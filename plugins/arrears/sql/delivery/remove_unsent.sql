-- Batches of the same line that were planned since the restore and never left: what did leave takes their place. And stop
-- files of later days that were planned without a list that is found now: they are planned again.
create temporary table unsent on commit drop as
select batch_id
from ops.delivery_batch
where
    vendor = %(vendor)s
    and sending_since is null
    and state in ('planned', 'written', 'superseded', 'expired')
    and (
        (kind = %(kind)s and channel = %(channel)s and as_of = %(as_of)s and sequence >= %(sequence)s)
        or (%(kind)s = 'contact_list' and kind = 'stop' and as_of > %(as_of)s)
    );

delete from ops.delivery_event where batch_id in (select unsent.batch_id from unsent);
delete from ops.delivery_item where batch_id in (select unsent.batch_id from unsent);
delete from ops.delivery_file where batch_id in (select unsent.batch_id from unsent);
delete from ops.delivery_batch where batch_id in (select unsent.batch_id from unsent);
drop table unsent;

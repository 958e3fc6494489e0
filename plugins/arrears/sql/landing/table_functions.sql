-- What the gate's rules ask about one landing table. A template, filled from the source contract.
-- `under_check` is the batch at the gate: its own rows count beside those of passed batches of the same generation.
-- Batches are given as an array, not joined: the planner then knows how many rows to expect and does not loop.

create or replace function landing.{known}(under_check bigint)
returns table (_row_id bigint, _batch_id bigint, {column_types}, is_rejected boolean)
language sql stable
as $$
    select
        known._row_id,
        known._batch_id,
        {known_columns},
        exists (select from {quarantine} as held where held._row_id = known._row_id)
        or exists (
            select from ops.gate_reject as reject
            where
                reject.batch_id = under_check
                and reject.table_name = {table_name}
                and reject.row_id = known._row_id
        )
    from {landing} as known
    where
        known._batch_id = any(array(
            select batch.batch_id
            from ops.load_batch as batch
            inner join ops.load_batch as checked on batch.generation = checked.generation
            where checked.batch_id = under_check and (batch.state = 'passed' or batch.batch_id = under_check)
        ))
$$;
comment on function landing.{known}(bigint) is
    'Every version that the gate may compare with, and whether it was rejected.';

create or replace function landing.{current}(under_check bigint)
returns table (_row_id bigint, _batch_id bigint, {column_types})
language sql stable
as $$
    select distinct on ({known_key})
        known._row_id,
        known._batch_id,
        {known_columns}
    from {landing} as known
    where
        known._batch_id = any(array(
            select batch.batch_id
            from ops.load_batch as batch
            inner join ops.load_batch as checked on batch.generation = checked.generation
            where checked.batch_id = under_check and (batch.state = 'passed' or batch.batch_id = under_check)
        ))
        and not exists (select from {quarantine} as held where held._row_id = known._row_id)
        and not exists (
            select from ops.gate_reject as reject
            where
                reject.batch_id = under_check
                and reject.table_name = {table_name}
                and reject.row_id = known._row_id
        )
    order by {known_key}, known.{changed_at} desc, known._row_id desc
$$;
comment on function landing.{current}(bigint) is 'The newest version of each key that was not rejected.';

create or replace function landing.{rejected}(under_check bigint)
returns table ({key_types})
language sql stable
as $$
    with suspects as (
        select {held_key}
        from {quarantine} as held
        inner join ops.load_batch as batch on held._batch_id = batch.batch_id
        where
            batch.state = 'passed'
            and batch.generation
            = (select checked.generation from ops.load_batch as checked where checked.batch_id = under_check)
        union
        select {held_key}
        from ops.gate_reject as reject
        inner join {landing} as held on reject.row_id = held._row_id and reject.batch_id = held._batch_id
        where reject.batch_id = under_check and reject.table_name = {table_name}
    )

    select {suspect_key}
    from suspects as suspect
    where not exists (
        select from landing.{known}(under_check) as known
        where {known_is_suspect} and not known.is_rejected
    )
$$;
comment on function landing.{rejected}(bigint) is 'Keys of which no version is left that was not rejected.';

create or replace function landing.{find_repeated}(under_check bigint)
returns table (_row_id bigint, kind text)
language sql stable
as $$
    with several as (
        select {incoming_key}, incoming.{changed_at}
        from {landing} as incoming
        where incoming._batch_id = under_check
        group by {incoming_key}, incoming.{changed_at}
        having count(*) > 1
    ),

    compared as (
        select
            incoming._row_id,
            min(incoming._row_id) over (partition by {incoming_columns}) as first_alike,
            min(incoming._row_id) over (partition by {incoming_key}, incoming.{changed_at}) as first_of_version
        from {landing} as incoming
        inner join several on {incoming_is_several} and incoming.{changed_at} = several.{changed_at}
        where incoming._batch_id = under_check
    )

    select compared._row_id, 'identical' as kind
    from compared
    where compared._row_id > compared.first_alike
    union all
    select compared._row_id, 'conflicting' as kind
    from compared
    where compared.first_alike > compared.first_of_version
    union all
    select incoming._row_id, 'rewritten' as kind
    from {landing} as incoming
    where
        incoming._batch_id = under_check
        and exists (
            select from {landing} as earlier
            where
                earlier._batch_id = any(array(
                    select batch.batch_id
                    from ops.load_batch as batch
                    inner join ops.load_batch as checked on batch.generation = checked.generation
                    where
                        checked.batch_id = under_check
                        and batch.state = 'passed'
                        and batch.batch_id < under_check
                ))
                and {earlier_is_incoming}
                and earlier.{changed_at} = incoming.{changed_at}
                and row({earlier_columns}) is distinct from row({incoming_columns})
        )
$$;
comment on function landing.{find_repeated}(bigint) is
    'Rows of the batch that repeat a version: identical (collapses), conflicting within the batch, or rewritten: other '
    'content than a passed batch has under the same key and changed-at.';

create or replace function landing.{repeated}(under_check bigint)
returns table (_row_id bigint, kind text)
language sql stable
as $$
    select found.row_id as _row_id, found.kind
    from ops.gate_repeat as found
    where found.batch_id = under_check and found.table_name = {table_name}
$$;
comment on function landing.{repeated}(bigint) is
    'What find_repeated has found, once for all the rules that ask, while the gate works.';

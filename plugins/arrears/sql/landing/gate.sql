-- What the gate on landing works with. Safe to run again.

alter table ops.load_table add column if not exists returned_rows bigint not null default 0;
alter table ops.load_table add column if not exists disappeared_rows bigint not null default 0;
comment on column ops.load_table.landed_rows is 'Rows that the source brought: new, or changed.';
comment on column ops.load_table.returned_rows is
    'Rows landed again from quarantine, because what they were rejected for (their parent) is in this batch.';
comment on column ops.load_table.disappeared_rows is 'Keys that landing has and the source no longer offers.';

create table if not exists ops.gate_reject (
    batch_id bigint not null references ops.load_batch,
    table_name text not null,
    row_id bigint not null,
    rule_id text not null,
    reason_code text not null,
    primary key (batch_id, table_name, row_id, rule_id)
);
comment on table ops.gate_reject is
    'Rows that the gate is about to reject, while it works; they go to quarantine when the batch passes. What stays here '
    'belongs to an aborted batch: join it with landing to see why.';

create table if not exists ops.gate_repeat (
    batch_id bigint not null references ops.load_batch,
    table_name text not null,
    row_id bigint not null,
    kind text not null check (kind in ('identical', 'conflicting', 'rewritten')),
    primary key (batch_id, table_name, row_id, kind)
);
comment on table ops.gate_repeat is
    'Rows of a batch that repeat a version, while the gate works: found once, and asked for by several rules.';

create or replace view ops.load_figures as
select
    loaded.batch_id,
    loaded.table_name,
    batch.as_of,
    generation.mode,
    loaded.is_full,
    loaded.source_rows,
    loaded.landed_rows,
    loaded.disappeared_rows,
    previous.source_rows as previous_source_rows,
    not exists (
        select from ops.load_batch as earlier
        where earlier.generation = batch.generation and earlier.state = 'passed' and earlier.as_of >= batch.as_of
    ) as is_first_of_day
from ops.load_table as loaded
inner join ops.load_batch as batch on loaded.batch_id = batch.batch_id
inner join ops.source_generation as generation on batch.generation = generation.generation
left join lateral (
    select earlier_loaded.source_rows
    from ops.load_table as earlier_loaded
    inner join ops.load_batch as earlier on earlier_loaded.batch_id = earlier.batch_id
    where
        earlier.generation = batch.generation
        and earlier.state = 'passed'
        and earlier.batch_id < loaded.batch_id
        and earlier_loaded.table_name = loaded.table_name
    order by earlier.batch_id desc
    limit 1
) as previous on true;
comment on view ops.load_figures is 'One row per load batch and table, beside the last passed load of its generation.';

create or replace view ops.reject_figures as
select
    loaded.batch_id,
    loaded.table_name,
    loaded.landed_rows + loaded.returned_rows as batch_rows,
    (
        select count(distinct reject.row_id)
        from ops.gate_reject as reject
        where
            reject.batch_id = loaded.batch_id
            and reject.table_name = loaded.table_name
            and reject.reason_code <> 'PARENT_REJECTED'
    ) as rejected_rows
from ops.load_table as loaded;
comment on view ops.reject_figures is
    'One row per load batch and table: rows rejected for what is wrong with themselves, while the gate works.';

-- A loop, since a reversal that exceeds is not counted against the next one: a running sum would count it.
create or replace function landing.exceeding_reversals(under_check bigint)
returns table (_row_id bigint)
language plpgsql stable
as $$
declare
    reversal record;
    current_parent text;
    reversed numeric;
begin
    for reversal in
        with touched as (
            select distinct incoming.reverses
            from landing.loan_transactions as incoming
            where incoming._batch_id = under_check and incoming.kind = 'reversal'
        )

        select
            candidate._row_id as row_id,
            candidate._batch_id as batch_id,
            candidate.reverses,
            candidate.amount,
            parent.amount as parent_amount
        from (
            select distinct on (known.transaction_id) known.*
            from landing.known_loan_transactions(under_check) as known
            where
                known.kind = 'reversal'
                and known.reverses in (select touched.reverses from touched)
                and not exists (
                    select from quarantine.loan_transactions as held where held._row_id = known._row_id
                )
                and not exists (
                    select from ops.gate_reject as reject
                    where
                        reject.batch_id = under_check
                        and reject.table_name = 'loan_transactions'
                        and reject.row_id = known._row_id
                        and reject.reason_code <> 'REVERSAL_EXCEEDS'
                )
            order by known.transaction_id, known.recorded_at desc, known._row_id desc
        ) as candidate
        inner join (
            select distinct on (known.transaction_id) known.transaction_id, known.amount
            from landing.known_loan_transactions(under_check) as known
            where not known.is_rejected and known.transaction_id in (select touched.reverses from touched)
            order by known.transaction_id, known.recorded_at desc, known._row_id desc
        ) as parent on candidate.reverses = parent.transaction_id
        -- What passed earlier is accepted; the batch's own follow in the order in which the bank recorded them.
        order by
            candidate.reverses,
            candidate._batch_id = under_check,
            candidate.recorded_at,
            candidate.transaction_id
    loop
        if reversal.reverses is distinct from current_parent then
            current_parent := reversal.reverses;
            reversed := 0;
        end if;
        if reversed + reversal.amount <= reversal.parent_amount then
            reversed := reversed + reversal.amount;
        elsif reversal.batch_id = under_check then
            _row_id := reversal.row_id;
            return next;
        end if;
    end loop;
end
$$;
comment on function landing.exceeding_reversals(bigint) is
    'Reversals of the batch that take more out of a transaction than is left of it.';

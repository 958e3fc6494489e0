-- Set rejected rows aside with their values and the reason.
insert into {quarantine} (_row_id, _batch_id, reason_code, rule_id, {columns})
select
    held._row_id,
    held._batch_id,
    reject.reason_code,
    reject.rule_id,
    {held_columns}
from ops.gate_reject as reject
inner join {landing} as held on reject.row_id = held._row_id
where reject.batch_id = %(batch_id)s and reject.table_name = {table_name} and held._batch_id = %(batch_id)s
on conflict (_row_id, rule_id) do nothing

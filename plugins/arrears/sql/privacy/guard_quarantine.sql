-- A template, for one quarantine table. The owner, `pipeline`, sees all.
revoke all on {table} from data_steward;
grant select ({columns}) on {table} to data_steward;
alter table {table} enable row level security;
create policy steward_of_jurisdiction on {table} for select to data_steward using (ops.may_see({jurisdiction}));

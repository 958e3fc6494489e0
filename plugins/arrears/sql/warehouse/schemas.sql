-- Schemas of the warehouse and who may read them. Run as the owner `pipeline`; safe to run again.
create schema if not exists landing;
create schema if not exists quarantine;
create schema if not exists staging;
create schema if not exists intermediate;
create schema if not exists marts;
create schema if not exists bi;
create schema if not exists ops;

comment on schema landing is 'Append-only copies of the source and of what vendors send.';
comment on schema quarantine is 'Rejected rows with the reason.';
comment on schema staging is 'dbt: one clean, current row per key.';
comment on schema intermediate is 'dbt: rules applied.';
comment on schema marts is 'The product: facts and dimensions under contract.';
comment on schema bi is 'Views of the marts without personal data.';
comment on schema ops is 'Runs, quality results, delivery ledger, policy versions. No personal data.';

-- Staging is views of several tables each, and what reads it joins some of them. Beyond eight tables PostgreSQL by itself
-- joins in the order in which they are written, and then reads millions of rows for the few that it needs.
do $$
begin
    execute format('alter database %I set join_collapse_limit = 20', current_database());
    execute format('alter database %I set from_collapse_limit = 20', current_database());
end
$$;

grant usage on schema quarantine to data_steward;
grant usage on schema marts to bi_full;
grant usage on schema bi, ops to bi_reader, bi_full;
alter default privileges in schema marts grant select on tables to bi_full;
alter default privileges in schema bi grant select on tables to bi_reader, bi_full;
-- Column by column and by jurisdiction: see sql/privacy.
alter default privileges in schema quarantine revoke select on tables from data_steward;

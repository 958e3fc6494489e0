-- Erasures and retention. Safe to run again.
create table if not exists ops.erasure (
    erasure_id text primary key,
    customer_hash bytea not null unique,
    cause text not null check (cause in ('request', 'retention')),
    as_of date not null,
    erased_at timestamptz not null default clock_timestamp(),
    vendor_copies_gone_at timestamptz,
    places jsonb not null default '{}',
    last_offered_at timestamptz
);
comment on table ops.erasure is
    'Proof of erasure, one row per erased customer. Holds nobody''s data: the hash is keyed by a secret outside the database.';
comment on column ops.erasure.erasure_id is 'Stands in the customer''s place in the records that are kept.';
comment on column ops.erasure.places is 'Rows erased or made anonymous, by place.';
comment on column ops.erasure.last_offered_at is 'When a load last found the customer in the source: nothing personal of it was landed.';

alter table ops.delivery_file add column if not exists erased_at timestamptz;
alter table ops.delivery_file add column if not exists removed_at timestamptz;
comment on column ops.delivery_file.erased_at is
    'Since then the content is not what was sent: nothing, or without the rows of erased customers. sha256 is of what was sent.';
comment on column ops.delivery_file.removed_at is 'Since then it is not in the vendor''s directory.';
alter table ops.vendor_file add column if not exists erased_at timestamptz;
alter table ops.vendor_file add column if not exists removed_at timestamptz;
comment on column ops.vendor_file.erased_at is 'Since then it is to be removed from the vendor''s inbound directory.';

create table if not exists ops.retention_run (
    run_id bigint generated always as identity primary key,
    as_of date not null,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create table if not exists ops.retention_result (
    run_id bigint not null references ops.retention_run,
    data_class text not null,
    erased bigint not null,
    kept_by_duty bigint not null,
    still_due bigint,
    rule text not null,
    primary key (run_id, data_class)
);
comment on table ops.retention_result is
    'What a run of enforce_retention erased; what is past its time and kept by a legal duty; and what was still due when it '
    'ended, counted anew: 0 is the proof.';

-- The ledger of everything that runs. Safe to run again. What bi_reader may read of it: sql/privacy/reader_columns.sql.

-- Set-up ------------------------------------------------------------------------------------------------------
create table if not exists ops.set_up (
    code_sha256 text primary key,
    set_up_at timestamptz not null default clock_timestamp()
);
comment on table ops.set_up is 'One row: the code that set up this warehouse last. Commands set it up again when theirs is another.';

-- Sources ------------------------------------------------------------------------------------------------------
create table if not exists ops.source_generation (
    generation integer primary key,
    mode text not null check (mode in ('static', 'feed')),
    description text not null,
    started_at timestamptz not null default clock_timestamp()
);
comment on table ops.source_generation is
    'One row per source that replaced the one before (`arrears source load --replace`). Marts read the newest only.';

create table if not exists ops.source_load (
    load_id bigint generated always as identity primary key,
    generation integer not null references ops.source_generation,
    table_name text not null,
    row_count bigint not null,
    loaded_at timestamptz not null default clock_timestamp()
);
comment on table ops.source_load is
    'A source table that was replaced as a whole: the next load compares all of it, whatever its changed-at says.';

-- Landing ------------------------------------------------------------------------------------------------------
create table if not exists ops.load_batch (
    batch_id bigint generated always as identity primary key,
    generation integer not null references ops.source_generation,
    as_of date not null,
    state text not null default 'landed' check (state in ('landed', 'passed', 'aborted')),
    run_id text,
    started_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    reason text
);
comment on table ops.load_batch is
    'One committed load. Only `passed` batches reach staging, and only they move the point where the next one begins.';

create table if not exists ops.load_table (
    batch_id bigint not null references ops.load_batch,
    table_name text not null,
    is_full boolean not null,
    source_rows bigint not null,
    landed_rows bigint not null,
    newest_changed_at timestamptz,
    rejected_rows bigint,
    primary key (batch_id, table_name)
);

create table if not exists ops.superseded_row (
    table_name text not null,
    row_id bigint not null,
    batch_id bigint not null references ops.load_batch,
    primary key (table_name, row_id)
);
comment on table ops.superseded_row is
    'Landed rows that a later version of their key superseded, with the batch that brought it. Staging leaves them out.';

-- Quality ------------------------------------------------------------------------------------------------------
create table if not exists ops.quality_results (
    result_id bigint generated always as identity primary key,
    border text not null check (border in ('landing', 'marts', 'contact_list', 'vendor_file')),
    subject text not null,
    reference text not null,
    as_of date,
    rule_id text not null,
    severity text not null check (severity in ('reject', 'warn', 'abort')),
    success boolean not null,
    checked_rows bigint,
    failed_rows bigint,
    expected text,
    found text,
    docs_path text,
    checked_at timestamptz not null default clock_timestamp()
);
create index if not exists quality_results_as_of on ops.quality_results (as_of);
comment on column ops.quality_results.subject is 'What was checked: a table, a mart, a list, a file kind.';
comment on column ops.quality_results.reference is 'Which one: a load batch, a mart build, a delivery batch id, a vendor file''s sha256.';
comment on column ops.quality_results.found is 'Figures and names of things, never a value of a personal column.';

-- Marts --------------------------------------------------------------------------------------------------------
create table if not exists ops.mart_build (
    build_id bigint generated always as identity primary key,
    as_of date not null,
    generation integer not null references ops.source_generation,
    known_at timestamptz not null,
    state text not null default 'building' check (state in ('building', 'passed', 'failed')),
    policy_version text,
    run_id text,
    finished_at timestamptz,
    reason text
);
alter table ops.mart_build
add column if not exists results_until bigint,
add column if not exists reviews_until bigint;
comment on column ops.mart_build.results_until is
    'The newest row of landing.vendor_result, and with it in reviews_until of landing.vendor_qa, that lay there when the marts that '
    'follow from them were last built again. Null: since this build, not once.';
comment on column ops.mart_build.known_at is 'K: everything landed at this instant was used.';

create table if not exists ops.loan_state (
    model text primary key,
    generation integer not null,
    batch_id bigint not null,
    rules text not null
);
alter table ops.loan_state add column if not exists known_until date;
comment on table ops.loan_state is
    'One row per dbt model that keeps rows per loan: the newest batch and the last day that they know of, and a fingerprint '
    'of the rules and the code that made them. A build goes on from the oldest of these batches and days, and starts afresh '
    'when the rules are others.';

create table if not exists ops.forecast (
    forecast_id bigint generated always as identity primary key,
    generation integer not null references ops.source_generation,
    origin date not null,
    as_of date not null,
    inputs_sha256 text not null,
    made_at timestamptz not null default clock_timestamp(),
    unique (generation, origin)
);
comment on table ops.forecast is
    'One row per month at whose end the next months were forecast. It is made anew while that month is the newest, and stays then.';
comment on column ops.forecast.inputs_sha256 is 'Of the flows, the assumptions and the code that it follows from.';

create table if not exists ops.forecast_tier (
    forecast_id bigint not null references ops.forecast on delete cascade,
    product text not null,
    currency text not null,
    months_ahead integer not null,
    month date not null,
    tier text not null,
    loans numeric(18, 2) not null,
    loans_low numeric(18, 2) not null,
    loans_high numeric(18, 2) not null,
    outstanding_principal numeric(18, 2) not null,
    low numeric(18, 2) not null,
    high numeric(18, 2) not null,
    expected_loss numeric(18, 2) not null,
    expected_loss_low numeric(18, 2) not null,
    expected_loss_high numeric(18, 2) not null,
    primary key (forecast_id, product, currency, months_ahead, tier)
);

create table if not exists ops.forecast_overdue (
    forecast_id bigint not null references ops.forecast on delete cascade,
    product text not null,
    currency text not null,
    months_ahead integer not null,
    month date not null,
    rate numeric(12, 10) not null,
    low numeric(12, 10) not null,
    high numeric(12, 10) not null,
    primary key (forecast_id, product, currency, months_ahead)
);

-- Models -------------------------------------------------------------------------------------------------------
create table if not exists ops.model (
    model_version text primary key,
    generation integer not null references ops.source_generation,
    purpose text not null check (purpose in ('early_warning', 'self_cure')),
    kind text not null check (kind in ('scorecard', 'boosted')),
    trained_as_of date not null,
    observed_from date not null,
    observed_to date not null check (observed_to >= observed_from),
    features text [] not null,
    intercept double precision not null,
    figures jsonb not null,
    trained_at timestamptz not null default clock_timestamp(),
    unique (model_version, purpose, generation)
);
comment on table ops.model is
    'One row per model that was trained: logit(p) = intercept + the weight of the bin that each feature falls into. Never changed.';
comment on column ops.model.model_version is 'Names purpose, kind and day, and what it was trained from by a hash: the same inputs, the same version.';
comment on column ops.model.observed_from is 'First day on which loans were observed that it was trained from; observed_to is the last.';
comment on column ops.model.figures is 'How it did out of time, with intervals: see risk/validation.py.';

create table if not exists ops.model_bin (
    model_version text not null references ops.model,
    feature text not null,
    bin smallint not null,
    lower double precision,
    upper double precision,
    is_missing boolean not null,
    weight double precision not null,
    expected_share double precision not null check (expected_share between 0 and 1),
    primary key (model_version, feature, bin),
    check (lower < upper),
    check (not is_missing or (lower is null and upper is null))
);
comment on table ops.model_bin is
    'The bins of each feature. Those of one feature leave no gap and do not overlap, and one is for what is not known.';
comment on column ops.model_bin.lower is 'Inclusive; null: no lower end.';
comment on column ops.model_bin.upper is 'Exclusive; null: no upper end.';
comment on column ops.model_bin.weight is 'What the bin adds to logit(p), calibration included.';
comment on column ops.model_bin.expected_share is 'Of the loans that it was judged by, the share that fell into the bin: what is usual, and what drift is measured from.';

create table if not exists ops.model_promotion (
    promotion_id bigint generated always as identity primary key,
    generation integer not null references ops.source_generation,
    purpose text not null check (purpose in ('early_warning', 'self_cure')),
    model_version text,
    valid_from date not null,
    promoted_by text not null,
    reason text not null,
    promoted_at timestamptz not null default clock_timestamp(),
    foreign key (model_version, purpose, generation) references ops.model (model_version, purpose, generation)
);
comment on table ops.model_promotion is
    'Which model decides from which day. The champion of a purpose on a day is that of the promotion with the highest promotion_id '
    'among those of the newest generation with valid_from up to that day. To roll back is a further row.';
comment on column ops.model_promotion.model_version is 'Null: from that day no model decides, as before the first one.';
comment on column ops.model_promotion.promoted_by is 'A person, or the DAG. Not for bi_reader, nor is the reason: people write it.';

-- What decided is never changed: what was said of a customer must be explained years later.
create or replace function ops.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed or removed', tg_table_name;
end
$$;
create or replace trigger model_kept before update or delete or truncate on ops.model
for each statement execute function ops.refuse_change();
create or replace trigger model_bin_kept before update or delete or truncate on ops.model_bin
for each statement execute function ops.refuse_change();
create or replace trigger model_promotion_kept before update or delete or truncate on ops.model_promotion
for each statement execute function ops.refuse_change();

create table if not exists ops.experiment_look (
    look_id bigint generated always as identity primary key,
    generation integer not null references ops.source_generation,
    as_of date not null,
    made_at timestamptz not null default clock_timestamp(),
    unique (generation, as_of)
);
comment on table ops.experiment_look is 'One row per day on which the experiments were looked at. Made anew where the day is built again.';

create table if not exists ops.experiment_verdict (
    look_id bigint not null references ops.experiment_look on delete cascade,
    experiment text not null,
    arm text not null,
    treatment text not null,
    share numeric(5, 4) not null,
    least_effect numeric(5, 4) not null,
    customers bigint not null,
    measured bigint not null,
    cured bigint not null,
    complaints bigint not null,
    opt_outs bigint not null,
    assignment_chance double precision not null,
    verdict text not null,
    verdict_text text not null,
    uplift numeric(12, 10),
    uplift_low numeric(12, 10),
    uplift_high numeric(12, 10),
    needed bigint,
    primary key (look_id, experiment, arm)
);
comment on table ops.experiment_verdict is 'One row per look, experiment and arm: how it stands as a whole, held against the champion.';

create table if not exists ops.experiment_uplift (
    look_id bigint not null references ops.experiment_look on delete cascade,
    experiment text not null,
    arm text not null,
    month date,
    currency text not null,
    versus text not null,
    customers bigint not null,
    measured bigint not null,
    cured bigint not null,
    contacted bigint not null,
    recovered numeric(18, 2) not null,
    cost numeric(18, 4),
    uplift numeric(12, 10),
    uplift_low numeric(12, 10),
    uplift_high numeric(12, 10),
    recovered_uplift numeric(18, 4),
    recovered_uplift_low numeric(18, 4),
    recovered_uplift_high numeric(18, 4),
    unique nulls not distinct (look_id, experiment, arm, month, currency)
);
comment on table ops.experiment_uplift is
    'One row per look, experiment, arm, month of entry and currency, held against the hold-out, or the champion where there is none.';
comment on column ops.experiment_uplift.month is 'Null: all months together, with intervals that hold at every look; those of a month are for one look.';

create table if not exists ops.delinquency_correction (
    correction_id bigint generated always as identity primary key,
    build_id bigint not null references ops.mart_build,
    loan_id text not null,
    valid_from date not null,
    valid_to date not null check (valid_to > valid_from),
    old_oldest_unpaid_due_date date,
    old_arrears_amount numeric(18, 2),
    old_paid_total numeric(18, 2),
    old_outstanding_principal numeric(18, 2),
    old_unpaid_instalments integer,
    new_oldest_unpaid_due_date date,
    new_arrears_amount numeric(18, 2),
    new_paid_total numeric(18, 2),
    new_outstanding_principal numeric(18, 2),
    new_unpaid_instalments integer,
    because jsonb not null
);
create index if not exists delinquency_correction_loan on ops.delinquency_correction (loan_id, valid_from);
create index if not exists delinquency_correction_build on ops.delinquency_correction (build_id);
comment on table ops.delinquency_correction is
    'Days that were published and have other figures since a build: what fct_delinquency_history said until then and says since. '
    'What a build published is the history of now with all corrections of later builds undone. Not for bi_reader.';
comment on column ops.delinquency_correction.valid_to is 'Day after the last day with these figures.';
comment on column ops.delinquency_correction.old_arrears_amount is
    'Null, as the other old figures, where the loan was not in the history; new ones null where it no longer is.';
comment on column ops.delinquency_correction.because is
    'The rows landed since the build before that bear on these days: keys by table, with schedule versions for repayment_schedule; '
    'under `rules` the fingerprint of other parameters or code. Empty where none is known.';

create table if not exists ops.sealed_day (
    generation integer not null references ops.source_generation,
    as_of date not null,
    build_id bigint references ops.mart_build,
    sealed_at timestamptz not null default clock_timestamp(),
    primary key (generation, as_of)
);
comment on table ops.sealed_day is 'Days whose lists were written: their decisions never change again.';

create table if not exists ops.policy_version (
    policy_version text primary key,
    directory text not null,
    first_used_at timestamptz not null default clock_timestamp()
);
comment on table ops.policy_version is 'A policy pack by the hash of its files.';

create table if not exists ops.loaded_seeds (
    files text not null,
    rows text not null
);
comment on table ops.loaded_seeds is
    'One row: fingerprints of the files of the seeds that were loaded by a whole build last, and of their rows.';

create table if not exists ops.calendar_day (
    jurisdiction text not null,
    day date not null,
    is_business_day boolean not null,
    is_public_holiday boolean not null,
    holiday_name text,
    primary key (jurisdiction, day)
);

-- Approvals ----------------------------------------------------------------------------------------------------
create table if not exists ops.legal_approval (
    generation integer not null references ops.source_generation,
    as_of date not null,
    customer_id text not null,
    currency text not null,
    approver text not null,
    is_approved boolean not null,
    is_demo boolean not null default false,
    decided_at timestamptz not null default clock_timestamp(),
    primary key (generation, as_of, customer_id, currency, approver)
);
comment on table ops.legal_approval is 'Who approved or refused which legal referral. Two different approvers make it a contact.';

-- Delivery -----------------------------------------------------------------------------------------------------
create table if not exists ops.delivery_batch (
    batch_id text primary key,
    kind text not null check (kind in ('contact_list', 'stop', 'recall', 'qa_request')),
    channel text not null,
    vendor text not null,
    generation integer not null references ops.source_generation,
    as_of date not null,
    sequence integer not null,
    state text not null default 'planned'
        check (state in ('planned', 'written', 'uploaded', 'acknowledged', 'closed', 'refused', 'expired', 'superseded')),
    row_count bigint not null,
    planned_at timestamptz not null,
    valid_until timestamptz not null,
    acknowledge_by timestamptz not null,
    supersedes text references ops.delivery_batch,
    refused_reason text,
    inputs_hmac text not null default '',
    sending_since timestamptz,
    unique (kind, channel, vendor, as_of, sequence)
);
alter table ops.delivery_batch add column if not exists inputs_hmac text not null default '';
alter table ops.delivery_batch add column if not exists sending_since timestamptz;
alter table ops.delivery_batch add column if not exists adopted_at timestamptz;
comment on column ops.delivery_batch.channel is '`all` for stop and recall files, which speak to a vendor as a whole.';
comment on column ops.delivery_batch.inputs_hmac is
    'What the batch was planned from, under the secret contact_ref_key: a plan from the same inputs is the same batch.';
comment on column ops.delivery_batch.sending_since is
    'From here on the vendor may have the manifest, whatever the state says: the batch is sent again, never superseded.';

comment on column ops.delivery_batch.adopted_at is
    'Since then it is in the ledger again: it was found at the vendor after the warehouse was restored to before it left.';

create table if not exists ops.delivery_item (
    batch_id text not null references ops.delivery_batch,
    contact_ref text not null,
    customer_id text not null,
    currency text not null,
    contact_point_id text,
    reason text,
    pay_link_token text,
    contact_customer_id text,
    is_final boolean not null default false,
    primary key (batch_id, contact_ref)
);
alter table ops.delivery_item add column if not exists pay_link_token text;
alter table ops.delivery_item add column if not exists contact_customer_id text;
comment on table ops.delivery_item is
    'Which customer a contact_ref stands for: a row of a list, of a stop file or of a recall. Not for bi_reader.';
create index if not exists delivery_item_customer on ops.delivery_item (customer_id);
create index if not exists delivery_item_contact_customer on ops.delivery_item (contact_customer_id);
create index if not exists delivery_item_ref on ops.delivery_item (contact_ref);
create unique index if not exists delivery_item_pay_link on ops.delivery_item (pay_link_token);
comment on column ops.delivery_item.pay_link_token is 'By this the payment page knows whom a link belongs to.';

create table if not exists ops.delivery_file (
    batch_id text not null references ops.delivery_batch,
    name text not null,
    position integer not null,
    content bytea not null,
    sha256 text not null,
    row_count bigint not null,
    control_totals jsonb not null default '{}',
    encryption text not null default 'none',
    primary key (batch_id, name)
);
comment on table ops.delivery_file is 'The bytes as sent; sent again from here. Personal: for pipeline only.';

create table if not exists ops.delivery_event (
    event_id bigint generated always as identity primary key,
    batch_id text not null references ops.delivery_batch,
    from_state text,
    to_state text not null,
    detail text,
    happened_at timestamptz not null default clock_timestamp()
);

create or replace view ops.stopped_row as
select
    item.batch_id,
    item.contact_ref,
    min(taken.taken_at) as stopped_at
from (
    select
        batch.batch_id,
        -- Of a day that is run again the events are of today, and what was sent was sent at its time of that day.
        case
            when min(event.happened_at) >= batch.sending_since + interval '1 day' then batch.sending_since
            else min(event.happened_at)
        end as taken_at
    from ops.delivery_batch as batch
    inner join ops.delivery_event as event on batch.batch_id = event.batch_id
    where
        batch.kind in ('stop', 'recall')
        and batch.state in ('uploaded', 'acknowledged', 'closed')
        and event.to_state in ('uploaded', 'acknowledged')
    group by batch.batch_id
) as taken
inner join ops.delivery_item as dropped on taken.batch_id = dropped.batch_id
inner join ops.delivery_item as item on dropped.contact_ref = item.contact_ref
inner join ops.delivery_batch as list on item.batch_id = list.batch_id and list.kind = 'contact_list'
group by item.batch_id, item.contact_ref;
comment on view ops.stopped_row is
    'One row per row of a contact list that a stop file or recall took back, and since when the vendor is to heed it: from the '
    'first such file that lies whole on its server, acknowledged or not. Nobody can heed a file before it is there. Not for bi_reader.';

create table if not exists ops.vendor_outage (
    outage_id bigint generated always as identity primary key,
    vendor text not null,
    began_at timestamptz not null,
    failures integer not null default 1,
    last_failed_at timestamptz not null,
    reason text not null,
    opened_at timestamptz,
    next_try_at timestamptz,
    tries integer not null default 1,
    ended_at timestamptz
);
create unique index if not exists vendor_outage_current on ops.vendor_outage (vendor) where ended_at is null;
comment on table ops.vendor_outage is
    'One row per run of failures of a vendor''s server. It goes on while ended_at is null, and ends with the first try that succeeds.';
comment on column ops.vendor_outage.opened_at is
    'From here on the circuit is open: the vendor is tried at next_try_at only, and its batches wait.';
comment on column ops.vendor_outage.reason is 'The kind of the last failure, never what a server said.';

create table if not exists ops.vendor_file (
    sha256 text not null,
    vendor text not null,
    file_name text not null,
    kind text not null check (kind in ('ack', 'results', 'qa', 'unknown')),
    batch_id text,
    state text not null check (state in ('loaded', 'refused', 'seen_before')),
    row_count bigint not null default 0,
    rejected_rows bigint not null default 0,
    repeated_rows bigint not null default 0,
    reason text,
    read_at timestamptz not null default clock_timestamp(),
    primary key (vendor, sha256, file_name)
);
alter table ops.vendor_file add column if not exists repeated_rows bigint not null default 0;
comment on column ops.vendor_file.row_count is
    'Rows of the file; of a refused one its lines after the first, where its name says that it was to be results of a batch.';
comment on column ops.vendor_file.repeated_rows is
    'Rows that report an attempt again that an earlier row reported to the letter: they have no effect.';

-- A sample of these tables shows too few loans, and by such statistics all rows would be read to find those of a few loans.
-- Set once: to set it waits for whoever gathers statistics.
do $$
declare
    target regclass;
begin
    for target in
        select attrelid::regclass
        from pg_attribute
        where
            attrelid in ('landing.repayment_schedule'::regclass, 'landing.loan_transactions'::regclass)
            and attname = 'loan_id'
            and attoptions is null
    loop
        execute format('alter table %s alter column loan_id set (n_distinct = -0.05)', target);
    end loop;
end
$$;

-- Nearly every contact point is the customer's own, most of them without saying so.
create statistics if not exists landing.contact_points_relation
on (coalesce(relation, 'self')) from landing.contact_points;

-- What vendors send --------------------------------------------------------------------------------------------
create table if not exists landing.vendor_ack (
    _row_id bigint generated always as identity primary key,
    _vendor text not null,
    _file_sha256 text not null,
    _loaded_at timestamptz not null default clock_timestamp(),
    batch_id text not null,
    received_at timestamptz not null,
    rows bigint not null,
    sha256 text not null,
    accepted bigint not null,
    rejected jsonb not null
);

create table if not exists landing.vendor_result (
    _row_id bigint generated always as identity primary key,
    _vendor text not null,
    _file_sha256 text not null,
    _line_number integer not null,
    _loaded_at timestamptz not null default clock_timestamp(),
    batch_id text not null,
    contact_ref text not null,
    contact_point_ref text,
    attempted_at timestamptz not null,
    disposition text not null,
    nonpayment_reason text,
    collector_id text,
    talk_seconds integer,
    promise_amount numeric(18, 2),
    promise_on date,
    amount_collected numeric(18, 2),
    cost numeric(18, 4),
    currency text,
    complaint boolean,
    satisfaction integer,
    recording_ref text,
    note text,
    unique (_vendor, _file_sha256, _line_number)
);
-- A recall starts from what was read since the build.
create index if not exists vendor_result_loaded_at on landing.vendor_result (_loaded_at);

create index if not exists vendor_result_batch on landing.vendor_result (batch_id);
create index if not exists vendor_result_contact_ref on landing.vendor_result (contact_ref);
create index if not exists vendor_ack_batch on landing.vendor_ack (batch_id);

create table if not exists landing.vendor_qa (
    _row_id bigint generated always as identity primary key,
    _vendor text not null,
    _file_sha256 text not null,
    _line_number integer not null,
    _loaded_at timestamptz not null default clock_timestamp(),
    recording_ref text not null,
    collector_id text not null,
    reviewed_on date not null,
    score numeric(5, 2) not null,
    breach_code text,
    reviewer text,
    unique (_vendor, _file_sha256, _line_number)
);

create table if not exists quarantine.vendor_result (
    vendor text not null,
    file_sha256 text not null,
    line_number integer not null,
    reason_code text not null,
    field_name text not null default '',
    row_text text not null,
    quarantined_at timestamptz not null default clock_timestamp(),
    primary key (vendor, file_sha256, line_number, reason_code, field_name)
);
comment on table quarantine.vendor_result is 'Rows of results and qa files that failed a rule, one row per rule.';

-- What the text of a rejected row says is personal; which row it was is not.
revoke select on quarantine.vendor_result from data_steward;
grant select (vendor, file_sha256, line_number, reason_code, field_name, quarantined_at)
    on quarantine.vendor_result to data_steward;

-- Alerts -------------------------------------------------------------------------------------------------------
create table if not exists ops.alert (
    alert_id bigint generated always as identity primary key,
    code text not null,
    subject text not null,
    severity text not null check (severity in ('critical', 'warning')),
    summary text not null,
    run_book text not null,
    log_url text,
    as_of date,
    raised_by text not null,
    opened_at timestamptz not null,
    last_seen_at timestamptz not null,
    last_sent_at timestamptz,
    closed_at timestamptz
);
create unique index if not exists alert_open on ops.alert (code, subject) where closed_at is null;
comment on table ops.alert is
    'One row per time that something was wrong. Open while closed_at is null; of one code and subject one is open. No personal data.';
comment on column ops.alert.code is 'Its kind: alerts/catalogue.py, and docs/runbook/alerts/<code>.md.';
comment on column ops.alert.subject is 'What it is about: a task, a vendor, a business date.';
comment on column ops.alert.raised_by is 'The task whose failure it is, or `watch` for what is looked at every few minutes.';
comment on column ops.alert.last_sent_at is 'When a destination last took a message about it.';

create table if not exists ops.alert_message (
    message_id bigint generated always as identity primary key,
    alert_id bigint not null references ops.alert,
    destination text not null,
    occasion text not null check (occasion in ('opened', 'repeated', 'closed')),
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'dropped')),
    written_at timestamptz not null,
    sent_at timestamptz,
    tries integer not null default 0,
    last_error text
);
create index if not exists alert_message_alert on ops.alert_message (alert_id, destination);
comment on table ops.alert_message is
    'What is to be said about alerts, to each destination on its own. One that fails keeps its messages waiting; they are tried again.';
comment on column ops.alert_message.state is 'dropped: overtaken by events before it could be sent.';
comment on column ops.alert_message.last_error is 'The kind of the last failure, never its text.';

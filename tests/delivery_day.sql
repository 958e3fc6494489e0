-- Stand-ins of the dbt models and seeds that delivery reads, in the shape that docs/architecture.md gives them.
create table staging.vendors (
    vendor text,
    channel text,
    connection_id text,
    directory text,
    format text,
    encryption_key text,
    daily_capacity integer,
    cost_per_attempt numeric,
    acknowledges_stop boolean,
    weight numeric,
    cut_off text,
    currency text
);

create table staging.dispositions (
    disposition text primary key,
    is_contact boolean,
    is_right_party boolean,
    is_promise boolean,
    is_final boolean,
    suppresses text,
    channels text,
    description text
);

create table staging.nonpayment_reasons (nonpayment_reason text primary key, is_hardship boolean, description text);

create table staging.suppression_reasons (
    reason_code text,
    "order" integer,
    text text,
    category text,
    valid_from date,
    valid_to date,
    source text,
    confidence text
);

create table staging.channels (
    channel text primary key,
    name text,
    position integer,
    medium text,
    contact_kind text,
    planned_attempts integer,
    is_optional boolean
);

create table staging.known_flags (flag text primary key, reason_code text, description text);

create table staging.contact_rules (
    jurisdiction text,
    reason_code text,
    parameter text,
    valid_from date,
    valid_to date
);

create table staging.delinquency_parameters (
    jurisdiction text,
    product text,
    currency text,
    tolerance numeric,
    valid_from date,
    valid_to date
);

create table staging.stg_core_banking__feed_status (table_name text primary key, complete_to timestamptz);

create table staging.stg_core_banking__customers (customer_id text primary key, national_id text);

create table staging.stg_core_banking__contact_points (
    contact_point_id text primary key,
    customer_id text,
    kind text,
    value text
);

create table intermediate.int_contacts__breach (
    as_of date,
    customer_id text,
    currency text,
    channel text,
    rule text
);

create table staging.stg_core_banking__loans (
    loan_id text primary key,
    customer_id text,
    product text,
    currency text,
    principal numeric(18, 2),
    annual_rate numeric,
    disbursed_on date,
    maturity_on date,
    closed_on date
);

create table staging.stg_core_banking__loan_parties (
    loan_id text,
    customer_id text,
    role text
);

create table staging.stg_core_banking__repayment_schedule (
    loan_id text,
    schedule_version integer,
    effective_from date,
    instalment_no integer,
    due_date date,
    principal_due numeric(18, 2),
    interest_due numeric(18, 2),
    fee_due numeric(18, 2)
);

create table staging.stg_core_banking__loan_transactions (
    transaction_id text primary key,
    loan_id text,
    kind text,
    amount numeric(18, 2),
    effective_on date
);

create table staging.stg_core_banking__customer_interactions (
    interaction_id text primary key,
    customer_id text,
    direction text,
    channel text,
    occurred_at timestamptz,
    disposition text
);

create view intermediate.int_loan_transactions__effects as
select
    transaction_id,
    loan_id,
    kind,
    effective_on as original_effective_on,
    effective_on as counts_from,
    amount,
    false as is_reversal
from staging.stg_core_banking__loan_transactions
where kind <> 'reversal';

create table intermediate.int_schedule_versions__due (
    loan_id text,
    schedule_version integer,
    due_dates date [],
    counted_from date []
);

create table marts.fct_loan_delinquency (
    loan_id text primary key,
    customer_id text,
    currency text,
    jurisdiction text,
    tier text,
    arrears_amount numeric(18, 2)
);

create table intermediate.int_loans__warned (loan_id text primary key);

create table marts.qa_request (
    as_of date,
    vendor text,
    recording_ref text,
    collector_id text,
    reason text,
    is_random boolean
);

create table marts.fct_contact_attempt (
    customer_id text,
    channel text,
    attempted_at timestamptz,
    disposition text
);

create table intermediate.int_customers__contact_decision (
    as_of date,
    customer_id text,
    channel text,
    currency text,
    contact_customer_id text,
    vendor text,
    decision text,
    reason_code text,
    policy_id text,
    tier text,
    days_past_due integer,
    arrears_amount numeric(18, 2),
    amount_due numeric(18, 2),
    outstanding_principal numeric(18, 2),
    attempts integer,
    contact_point_id text,
    alternate_contact_point_id text,
    window_start timestamptz,
    window_end timestamptz,
    loan_ids text [],
    primary key (as_of, customer_id, channel, currency)
);

-- The mart adds approvals and batches; a test that needs an approval changes the row.
create view marts.fct_contact_decision as
select *
from intermediate.int_customers__contact_decision;

create table intermediate.int_contact_list__sms (
    as_of date,
    customer_id text,
    currency text,
    vendor text,
    contact_point_id text,
    phone text,
    language text,
    template_id text,
    first_name text,
    amount_due numeric(18, 2),
    due_date date,
    send_after timestamptz,
    send_before timestamptz
);

create table intermediate.int_contact_list__phone (
    as_of date,
    customer_id text,
    currency text,
    vendor text,
    contact_point_id text,
    phone text,
    alternate_phone text,
    full_name text,
    language text,
    tier text,
    priority integer,
    amount_due numeric(18, 2),
    days_past_due integer,
    oldest_due_date date,
    last_payment_on date,
    last_payment_amount numeric(18, 2),
    last_disposition text,
    offer_code text,
    call_after timestamptz,
    call_before timestamptz,
    attempts_left integer,
    collector_hint text
);

create table intermediate.int_contact_list__field_visit (
    as_of date,
    customer_id text,
    currency text,
    vendor text,
    contact_point_id text,
    full_name text,
    address text,
    city text,
    postal_code text,
    latitude numeric,
    longitude numeric,
    language text,
    amount_due numeric(18, 2),
    days_past_due integer,
    visit_after timestamptz,
    visit_before timestamptz,
    safety_note text
);

create table intermediate.int_contact_list__legal (
    as_of date,
    customer_id text,
    currency text,
    vendor text,
    contact_point_id text,
    contract_no text,
    full_name text,
    national_id text,
    address text,
    product text,
    disbursed_on date,
    principal numeric(18, 2),
    outstanding numeric(18, 2),
    arrears_amount numeric(18, 2),
    days_past_due integer
);

create table intermediate.int_contact_list__care (
    as_of date,
    customer_id text,
    currency text,
    vendor text,
    contact_point_id text,
    phone text,
    full_name text,
    language text,
    reason text,
    offer_code text,
    offer_term_months integer,
    offer_instalment numeric(18, 2),
    call_after timestamptz,
    call_before timestamptz
);

-- What the servicer reported, one row per loan and period end that is to be predicted, with what explains a difference.
create schema tape_check;
create table tape_check.observations (
    loan_id text not null,
    ends_on date not null,
    originator text not null,
    reported integer not null,
    instalment numeric(18, 2) not null,
    due_day integer not null,
    day_count text not null,
    events text not null
);
create table tape_check.positions (
    loan_id text not null,
    ends_on date not null,
    days_past_due integer not null,
    arrears_amount numeric(18, 2) not null,
    oldest_unpaid_due_date date
);

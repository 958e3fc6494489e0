-- A generated bank: every value follows from a loan's or customer's number and the seed, none from random().
-- Bound: loans, seed, as_of. Everything of the generator is in the schema `bench_bank`; its views have the columns of
-- the source contract, under the contract's names.

create schema bench_bank;

-- A number from 0 up to 1 that depends on a loan (or customer), on what it is drawn for, and on the seed.
create function bench_bank.share(number bigint, purpose integer) returns double precision
language sql immutable parallel safe
return (hashint8extended(number, purpose + 1000 * %(seed)s::bigint) & 1073741823) / 1073741824.0::double precision;

create function bench_bank.at_noon(day date) returns timestamptz
language sql immutable parallel safe
return to_timestamp(
    (day - date '1970-01-01')::double precision * 86400::double precision + 43200::double precision
);

-- Months are counted from the year 0: date arithmetic by whole numbers is several times quicker.
create function bench_bank.month_no(day date) returns integer
language sql immutable parallel safe
return extract(year from day)::integer * 12 + extract(month from day)::integer - 1;

create function bench_bank.due(first_month integer, instalment_no integer, due_day integer) returns date
language sql immutable parallel safe
return make_date((first_month + instalment_no - 1) / 12, mod(first_month + instalment_no - 1, 12) + 1, due_day);

-- One row per month and its first day: looking it up is quicker than making a date, twenty-five million times.
create table bench_bank.month as
select
    bench_bank.month_no(first_day::date) as month_no,
    first_day::date as first_day
from generate_series(
    date_trunc('month', %(as_of)s::timestamp) - interval '6 years',
    date_trunc('month', %(as_of)s::timestamp) + interval '6 years',
    interval '1 month'
) as first_day;

-- How an instalment is paid: in one sum (part 0), or in two halves, a fortnight before and on the day.
create table bench_bank.part as
select
    instalment_no,
    part,
    part > 0 as is_half,
    case part when 1 then -14 else 0 end as days,
    to_char(instalment_no * 10 + part, 'FM0000') as suffix
from generate_series(1, 60) as instalment_no
cross join generate_series(0, 2) as part;

analyze bench_bank.month;
analyze bench_bank.part;

create table bench_bank.bank as
select
    %(loans)s::bigint as loans,
    -- One customer in ten has two loans.
    greatest(1, %(loans)s::bigint * 9 / 10) as customers,
    %(as_of)s::date as as_of,
    bench_bank.month_no(%(as_of)s) as month_no;

create unlogged table bench_bank.customer as
with drawn as (
    select
        customer_no,
        bench_bank.share(customer_no, 1) as home,
        bench_bank.share(customer_no, 2) as zone
    from bench_bank.bank
    cross join generate_series(1, bank.customers) as customer_no
),

placed as (
    select
        *,
        case
            when home < 0.60 then 'CN' when home < 0.80 then 'US' when home < 0.87 then 'IN' when home < 0.92 then 'GB'
            else 'EU'
        end as jurisdiction
    from drawn
)

select
    customer_no,
    'C' || lpad(customer_no::text, 8, '0') as customer_id,
    jurisdiction,
    case jurisdiction when 'CN' then 'CNY' when 'US' then 'USD' when 'IN' then 'INR' when 'GB' then 'GBP' else 'EUR' end
        as currency,
    case jurisdiction
        when 'CN' then 'Asia/Shanghai'
        when 'IN' then 'Asia/Kolkata'
        when 'GB' then 'Europe/London'
        when 'EU' then (array['Europe/Paris', 'Europe/Berlin', 'Europe/Lisbon'])[1 + floor(zone * 3)::integer]
        -- Of some the bank does not know it.
        when 'US' then (array['America/New_York', 'America/Chicago', 'America/Los_Angeles'])[1 + floor(zone * 4)::integer]
    end as time_zone
from placed;

create unlogged table bench_bank.loan as
-- Materialised: each step is then computed once, however often the next one speaks of it.
with drawn as materialized (
    select
        n,
        1 + mod(n - 1, bank.customers) as customer_no,
        6 + floor(bench_bank.share(n, 10) * 13)::integer as term,
        floor(bench_bank.share(n, 11) * 6)::integer as months_left,
        bench_bank.share(n, 12) as day_share,
        bench_bank.share(n, 13) as behaviour_share,
        bench_bank.share(n, 14) as depth,
        (10 + floor(power(bench_bank.share(n, 15), 2) * 590)) * 100 as principal,
        round((0.03 + bench_bank.share(n, 16) * 0.21)::numeric, 4) as annual_rate,
        bench_bank.share(n, 17) < 0.22 as pays_halves,
        floor(bench_bank.share(n, 18) * 25)::integer as days_late,
        bench_bank.share(n, 19) as product_share,
        bench_bank.share(n, 20) < 0.02 as is_rescheduled,
        bench_bank.share(n, 21) < 0.02 as is_in_dollars,
        bench_bank.share(n, 22) < 0.25 as counts_30_360
    from bench_bank.bank
    cross join generate_series(1, bank.loans) as n
),

behaving as materialized (
    select
        *,
        case
            when behaviour_share < 0.12 then 'closed'
            when behaviour_share < 0.13 then 'written_off'
            when behaviour_share < 0.18 then 'behind'
            when behaviour_share < 0.24 then 'late'
            else 'on_time'
        end as behaviour,
        -- Nine loans in ten fall due on six days of the month, the rest on any: there are busy days and quiet ones.
        case
            when day_share < 0.9 then (array[1, 5, 10, 15, 20, 25])[1 + floor(day_share / 0.15)::integer]
            else 1 + floor((day_share - 0.9) * 280)::integer
        end as due_day
    from drawn
),

dated as materialized (
    select
        behaving.*,
        case behaviour
            when 'closed' then term + floor(depth * 24)::integer
            when 'written_off' then term + 7 + floor(depth * 12)::integer
            else term - months_left - 1
        end as months_since_first
    from behaving
),

begun as materialized (
    select
        dated.*,
        bank.month_no - dated.months_since_first as first_month,
        is_rescheduled and behaviour in ('on_time', 'late', 'behind') and term - months_left >= 5 as has_new_schedule,
        term - months_left - 3 as kept_instalments,
        months_since_first + case when due_day <= extract(day from bank.as_of) then 1 else 0 end as months_due
    from dated
    cross join bench_bank.bank
),

-- A new schedule spreads what is left over twice as many instalments.
lasting as materialized (
    select
        *,
        case when has_new_schedule then kept_instalments + 2 * (term - kept_instalments) else term end as instalments,
        round((principal / term)::numeric, 2) as principal_each
    from begun
),

counted as materialized (
    select
        *,
        greatest(0, least(months_due, instalments)) as due_count,
        round(principal::numeric * annual_rate / 12, 2) as interest_each,
        case
            when has_new_schedule
                then round(
                    (principal::numeric - principal_each * kept_instalments) / (2 * (term - kept_instalments)), 2
                )
        end as new_principal_each
    from lasting
)

select
    counted.n,
    bench_bank.due(counted.first_month, 1, counted.due_day) - 30 as disbursed_on,
    bench_bank.at_noon(bench_bank.due(counted.first_month, 1, counted.due_day) - 30) as disbursed_at,
    'L' || lpad(counted.n::text, 8, '0') as loan_id,
    customer.customer_id,
    customer.jurisdiction,
    case when counted.is_in_dollars then 'USD' else customer.currency end as currency,
    case when product_share < 0.5 then 'personal' when product_share < 0.8 then 'auto' else 'card_instalment' end
        as product,
    case when counts_30_360 and customer.jurisdiction = 'US' then '30/360' else 'actual' end as day_count,
    counted.term,
    counted.instalments,
    counted.due_day,
    counted.first_month,
    counted.due_count,
    counted.behaviour,
    case counted.behaviour
        -- Half of those behind miss one instalment; a few miss so many that every tier has somebody.
        when 'behind' then least(counted.due_count, 1 + floor(-ln(1 - counted.depth * 0.9999) * 2.2)::integer)
        when 'written_off' then 3 + floor(counted.depth * (counted.term - 3))::integer
        else 0
    end as missed,
    counted.principal::numeric(18, 2) as principal,
    counted.annual_rate,
    counted.principal_each::numeric(18, 2) as principal_each,
    counted.interest_each::numeric(18, 2) as interest_each,
    (counted.principal::numeric - counted.principal_each * (counted.term - 1))::numeric(18, 2) as last_principal,
    (counted.principal_each + counted.interest_each)::numeric(18, 2) as amount,
    (counted.principal::numeric - counted.principal_each * (counted.term - 1) + counted.interest_each)::numeric(18, 2)
        as last_amount,
    (counted.new_principal_each + counted.interest_each)::numeric(18, 2) as new_amount,
    ((counted.principal_each + counted.interest_each) / 2)::numeric(18, 2) as half_amount,
    ((counted.new_principal_each + counted.interest_each) / 2)::numeric(18, 2) as new_half_amount,
    counted.has_new_schedule,
    counted.kept_instalments,
    counted.new_principal_each::numeric(18, 2) as new_principal_each,
    counted.pays_halves,
    -- Whoever does not pay late pays up to two days early. Counted from the first of the month.
    counted.due_day - 1 + case when counted.behaviour = 'late' then 1 + counted.days_late else -mod(counted.n, 3) end::integer
        as pays_on,
    'T' || lpad(counted.n::text, 8, '0') as payment_prefix
from counted
inner join bench_bank.customer on counted.customer_no = customer.customer_no;

analyze bench_bank.customer;
analyze bench_bank.loan;

-- What happened to which loan on a day after the first: see bank_day.sql.
create unlogged table bench_bank.touched (
    day date not null,
    n bigint not null,
    what text not null,
    primary key (day, n)
);

-- The contract's tables -------------------------------------------------------------------------------------------

create view bench_bank.customers as
select
    customer_id,
    'Customer ' || customer_no as full_name,
    'Customer' as given_name,
    'ID' || lpad(customer_no::text, 12, '0') as national_id,
    case when bench_bank.share(customer_no, 30) < 0.5 then 'F' else 'M' end as sex,
    date '1955-01-01' + floor(bench_bank.share(customer_no, 31) * 17000)::integer as date_of_birth,
    'en' as language,
    time_zone,
    jurisdiction,
    'City ' || mod(customer_no, 300) as city,
    'mass' as segment,
    'employed' as employment_status,
    (2000 + floor(bench_bank.share(customer_no, 32) * 20000))::numeric(18, 2) as monthly_income,
    350 + floor(bench_bank.share(customer_no, 33) * 500)::integer as credit_score,
    date '2023-01-01' as credit_score_on,
    bench_bank.at_noon('2023-01-01') as updated_at
from bench_bank.customer;

create view bench_bank.loan_parties as
select
    loan.loan_id,
    customer.customer_id,
    'guarantor' as role,
    bench_bank.at_noon('2023-01-01') as updated_at
from bench_bank.loan
cross join bench_bank.bank
inner join bench_bank.customer on 1 + mod(loan.n * 7, bank.customers) = customer.customer_no
where bench_bank.share(loan.n, 35) < 0.03 and loan.customer_id <> customer.customer_id;

create view bench_bank.contact_points as
select
    'P' || point.letter || lpad(customer_no::text, 8, '0') as contact_point_id,
    customer_id,
    point.kind,
    case point.kind
        when 'mobile' then '+8613' || lpad(customer_no::text, 9, '0')
        when 'landline' then '+8621' || lpad(customer_no::text, 8, '0')
        when 'email' then 'customer' || customer_no || '@example.com'
        else mod(customer_no, 500) || ' Lake Road'
    end as value,
    'City ' || mod(customer_no, 300) as city,
    lpad(mod(customer_no, 90000)::text, 6, '1') as postal_code,
    null::numeric as latitude,
    null::numeric as longitude,
    bench_bank.share(customer_no, point.draw + 5) < 0.97 as is_valid,
    'self' as relation,
    'contract' as source,
    case when bench_bank.share(customer_no, point.draw + 6) < 0.6 then 'granted' else 'unknown' end as consent,
    bench_bank.at_noon('2023-01-01') as updated_at
from bench_bank.customer
inner join (
    values ('M', 'mobile', 0.97, 40), ('L', 'landline', 0.15, 50), ('E', 'email', 0.5, 60), ('A', 'address', 0.95, 70)
) as point (letter, kind, owners, draw) on bench_bank.share(customer_no, point.draw) < point.owners;

create view bench_bank.contact_consents as
select
    customer_id,
    case when bench_bank.share(customer_no, 81) < 0.7 then 'sms' else 'phone' end as channel,
    case when bench_bank.share(customer_no, 82) < 0.9 then 'granted' else 'refused' end as consent,
    date '2023-01-01' as valid_from,
    null::date as valid_to,
    null::time as preferred_from,
    null::time as preferred_to,
    bench_bank.at_noon('2023-01-01') as updated_at
from bench_bank.customer
where bench_bank.share(customer_no, 80) < 0.3;

create view bench_bank.customer_interactions as
select
    'I' || lpad(loan.n::text, 8, '0') as interaction_id,
    loan.customer_id,
    loan.loan_id,
    'outbound' as direction,
    'phone' as channel,
    bench_bank.at_noon(bank.as_of - 3 - mod(loan.n, 60)::integer) as occurred_at,
    (array['no_answer', 'promise_to_pay', 'right_party_no_promise', 'refused'])[
        1 + floor(bench_bank.share(loan.n, 86) * 4)::integer
    ] as disposition,
    case when floor(bench_bank.share(loan.n, 86) * 4) = 1 then loan.principal_each end as promise_amount,
    case when floor(bench_bank.share(loan.n, 86) * 4) = 1 then bank.as_of + 2 - mod(loan.n, 60)::integer end
        as promise_on,
    loan.currency,
    bench_bank.at_noon(bank.as_of - 3 - mod(loan.n, 60)::integer) as updated_at
from bench_bank.loan
cross join bench_bank.bank
where loan.behaviour = 'behind' and bench_bank.share(loan.n, 85) < 0.5;

create view bench_bank.feed_status as
select
    'customer_flags' as table_name,
    bank.as_of::timestamp at time zone 'UTC' as complete_to,
    bank.as_of::timestamp at time zone 'UTC' as updated_at
from bench_bank.bank;

create view bench_bank.customer_flags as
select
    customer_id,
    (array['vulnerable', 'disputed', 'deceased', 'hardship_requested', 'represented', 'no_visits'])[
        1 + floor(bench_bank.share(customer_no, 91) * 6)::integer
    ] as flag,
    date '2024-01-01' + mod(customer_no, 300)::integer as valid_from,
    null::date as valid_to,
    null as note,
    bench_bank.at_noon(date '2024-01-01' + mod(customer_no, 300)::integer) as updated_at
from bench_bank.customer
where bench_bank.share(customer_no, 90) < 0.01;

-- Dates that more than one table needs.
create view bench_bank.loan_dates as
select
    loan.*,
    case when loan.behaviour = 'closed' then bench_bank.due(loan.first_month, loan.term, loan.due_day) end as closed_on,
    case
        when loan.behaviour = 'written_off'
            then bench_bank.due(loan.first_month, loan.term - loan.missed + 1, loan.due_day) + 180
    end as written_off_on
from bench_bank.loan;

create view bench_bank.loans as
select
    loan_id,
    customer_id,
    product,
    currency,
    principal,
    annual_rate,
    disbursed_on,
    bench_bank.due(first_month, term, due_day) as maturity_on,
    day_count,
    case behaviour when 'closed' then 'closed' when 'written_off' then 'written_off' else 'active' end as status,
    closed_on,
    written_off_on,
    bench_bank.at_noon(coalesce(closed_on, written_off_on, disbursed_on)) as updated_at
from bench_bank.loan_dates;

create view bench_bank.repayment_schedule as
select
    loan.loan_id,
    1 as schedule_version,
    loan.disbursed_on as effective_from,
    instalment_no,
    month.first_day + loan.due_day - 1 as due_date,
    case when instalment_no < loan.term then loan.principal_each else loan.last_principal end as principal_due,
    loan.interest_each as interest_due,
    0.00::numeric(18, 2) as fee_due,
    loan.disbursed_at as updated_at
from bench_bank.loan
cross join lateral generate_series(1, loan.term) as instalment_no
inner join bench_bank.month on loan.first_month + instalment_no - 1 = month.month_no
union all
select
    loan.loan_id,
    2 as schedule_version,
    bench_bank.due(loan.first_month, loan.kept_instalments + 1, 1) as effective_from,
    instalment_no - loan.kept_instalments as instalment_no,
    bench_bank.due(loan.first_month, instalment_no, loan.due_day) as due_date,
    loan.new_principal_each as principal_due,
    loan.interest_each as interest_due,
    0.00::numeric(18, 2) as fee_due,
    bench_bank.at_noon(bench_bank.due(loan.first_month, loan.kept_instalments + 1, 1)) as updated_at
from bench_bank.loan
cross join lateral generate_series(loan.kept_instalments + 1, loan.instalments) as instalment_no
where loan.has_new_schedule;

create view bench_bank.payments as
select
    loan.n,
    loan.loan_id,
    loan.due_count,
    part.instalment_no,
    part.part,
    loan.payment_prefix || part.suffix as transaction_id,
    -- The last instalment takes up the cents; paid in halves, whatever is above them.
    case
        when not loan.has_new_schedule or part.instalment_no <= loan.kept_instalments
            then case
                when part.part = 1 then loan.half_amount
                when part.instalment_no = loan.term and part.part = 0 then loan.last_amount
                when part.instalment_no = loan.term then loan.last_amount - loan.half_amount
                when part.part = 2 then loan.amount - loan.half_amount
                else loan.amount
            end
        when part.part = 0 then loan.new_amount
        else loan.new_half_amount
    end as amount,
    month.first_day + loan.pays_on + part.days as effective_on
from bench_bank.loan
cross join bench_bank.bank
inner join bench_bank.part
    on
        loan.pays_halves = part.is_half
        and part.instalment_no
        <= least(loan.instalments, loan.due_count + case when loan.missed = 0 then 1 else 0 end) - loan.missed
inner join bench_bank.month on loan.first_month + part.instalment_no - 1 = month.month_no
where month.first_day + loan.pays_on + part.days <= bank.as_of;

-- The bank takes some of them back five days later; most of those are made again.
create view bench_bank.bounced as
select *
from bench_bank.payments
where bench_bank.share(n, 95) < 0.04 and part <> 1 and instalment_no = greatest(1, due_count - 2);

create view bench_bank.loan_transactions as
select
    transaction_id,
    loan_id,
    'repayment' as kind,
    amount,
    effective_on,
    bench_bank.at_noon(effective_on) as recorded_at,
    null as reverses,
    'transfer' as channel
from bench_bank.payments
union all
select
    'R' || substr(bounced.transaction_id, 2) as transaction_id,
    bounced.loan_id,
    'reversal' as kind,
    bounced.amount,
    bounced.effective_on + 5 as effective_on,
    bench_bank.at_noon(bounced.effective_on + 5) as recorded_at,
    bounced.transaction_id as reverses,
    'transfer' as channel
from bench_bank.bounced
cross join bench_bank.bank
where bounced.effective_on + 5 <= bank.as_of
union all
select
    'A' || substr(bounced.transaction_id, 2) as transaction_id,
    bounced.loan_id,
    'repayment' as kind,
    bounced.amount,
    bounced.effective_on + 8 as effective_on,
    -- Known two days late.
    bench_bank.at_noon(bounced.effective_on + 10) as recorded_at,
    null as reverses,
    'transfer' as channel
from bench_bank.bounced
cross join bench_bank.bank
where bounced.effective_on + 10 <= bank.as_of and bench_bank.share(bounced.n, 96) < 0.75
union all
select
    'V' || lpad(loan.n::text, 8, '0') as transaction_id,
    loan.loan_id,
    'waiver' as kind,
    10.00::numeric(18, 2) as amount,
    bench_bank.due(loan.first_month, loan.due_count, loan.due_day) as effective_on,
    bench_bank.at_noon(bench_bank.due(loan.first_month, loan.due_count, loan.due_day)) as recorded_at,
    null as reverses,
    null as channel
from bench_bank.loan
where bench_bank.share(loan.n, 97) < 0.005 and loan.due_count > 0
union all
select
    'X' || lpad(n::text, 8, '0') as transaction_id,
    loan_id,
    'write_off' as kind,
    principal as amount,
    written_off_on as effective_on,
    bench_bank.at_noon(written_off_on) as recorded_at,
    null as reverses,
    null as channel
from bench_bank.loan_dates
where written_off_on is not null and bench_bank.share(n, 98) < 0.5
union all
select
    'Y' || lpad(loan_dates.n::text, 8, '0') as transaction_id,
    loan_dates.loan_id,
    'recovery' as kind,
    loan_dates.principal_each as amount,
    loan_dates.written_off_on + 20 as effective_on,
    bench_bank.at_noon(loan_dates.written_off_on + 20) as recorded_at,
    null as reverses,
    'transfer' as channel
from bench_bank.loan_dates
cross join bench_bank.bank
where loan_dates.written_off_on + 20 <= bank.as_of and bench_bank.share(loan_dates.n, 99) < 0.3;

create view bench_bank.hardship_arrangements as
select
    'HP' || lpad(loan.n::text, 8, '0') as arrangement_id,
    loan.loan_id,
    'payment_pause' as kind,
    bench_bank.due(loan.first_month, loan.due_count, 1) as starts_on,
    bench_bank.due(loan.first_month, loan.due_count, 1) + 45 as ends_on,
    'accepted' as status,
    bench_bank.due(loan.first_month, loan.due_count, 1) as accepted_on,
    null::date as ended_on,
    null::integer as schedule_version,
    null::numeric(18, 2) as reduced_amount,
    bench_bank.at_noon(bench_bank.due(loan.first_month, loan.due_count, 1)) as updated_at
from bench_bank.loan
where
    loan.due_count > 0
    and loan.behaviour in ('behind', 'late')
    and bench_bank.share(loan.n, 100) < 0.06
union all
select
    'HT' || lpad(loan.n::text, 8, '0') as arrangement_id,
    loan.loan_id,
    'term_extension' as kind,
    bench_bank.due(loan.first_month, loan.kept_instalments + 1, 1) as starts_on,
    bench_bank.due(loan.first_month, loan.instalments, loan.due_day) as ends_on,
    'accepted' as status,
    bench_bank.due(loan.first_month, loan.kept_instalments + 1, 1) as accepted_on,
    null::date as ended_on,
    2 as schedule_version,
    null::numeric(18, 2) as reduced_amount,
    bench_bank.at_noon(bench_bank.due(loan.first_month, loan.kept_instalments + 1, 1)) as updated_at
from bench_bank.loan
where loan.has_new_schedule;

create view bench_bank.collectors as
select
    'K' || collector_no as collector_id,
    'demo_call' as vendor,
    'phone' as channel,
    'Collector ' || collector_no as display_name,
    (array['junior', 'regular', 'senior'])[1 + mod(collector_no, 3)] as grade,
    date '2023-01-01' as hired_on,
    null::date as left_on,
    bench_bank.at_noon('2023-01-01') as updated_at
from generate_series(1, 60) as collector_no;

create view bench_bank.collector_training as
select
    'K' || collector_no as collector_id,
    course,
    bank.as_of - 100 as completed_on,
    90::numeric as score,
    bank.as_of + 265 as valid_until,
    bench_bank.at_noon(bank.as_of - 100) as updated_at
from generate_series(1, 60) as collector_no
cross join unnest(array['conduct', 'data_protection']) as course
cross join bench_bank.bank;

create view bench_bank.collector_assignments as
select distinct
    'K' || 1 + mod(loan.n, 60) as collector_id,
    loan.customer_id,
    bank.as_of - 40 as assigned_on,
    null::date as released_on,
    bench_bank.at_noon(bank.as_of - 40) as updated_at
from bench_bank.loan
cross join bench_bank.bank
where loan.behaviour = 'behind' and loan.missed > 1;

create view bench_bank.complaints as
select
    'Z' || lpad(customer_no::text, 8, '0') as complaint_id,
    customer_id,
    'K' || 1 + mod(customer_no, 60) as collector_id,
    'phone' as channel,
    bench_bank.at_noon(bank.as_of - 5 - mod(customer_no, 200)::integer) as received_at,
    'conduct' as category,
    null::boolean as upheld,
    null::timestamptz as responded_at,
    case when mod(customer_no, 3) > 0 then bench_bank.at_noon(bank.as_of - 1 - mod(customer_no, 4)::integer) end
        as closed_at,
    bench_bank.at_noon(bank.as_of - 1) as updated_at
from bench_bank.customer
cross join bench_bank.bank
where bench_bank.share(customer_no, 105) < 0.001;

-- A following day: the rows that its events bring, by table ---------------------------------------------------------

create view bench_bank.today as
select
    touched.day,
    touched.what,
    bench_bank.share(touched.n, touched.day - date '2000-01-01' + 200000) as event_share,
    loan.*
from bench_bank.touched
inner join bench_bank.loan on touched.n = loan.n
where touched.day = (select max(newest.day) from bench_bank.touched as newest);

create view bench_bank.day_loan_transactions as
select
    'D' || to_char(day, 'YYYYMMDD') || lpad(n::text, 8, '0') as transaction_id,
    loan_id,
    case what when 'reversal' then 'reversal' when 'waiver' then 'waiver' when 'write_off' then 'write_off'
        else 'repayment'
    end as kind,
    case what
        when 'waiver' then 10.00
        when 'write_off' then principal
        when 'reversal' then case when due_count = term then last_amount else amount end
        else amount
    end::numeric(18, 2) as amount,
    case what when 'late_payment' then day - 3 else day end as effective_on,
    bench_bank.at_noon(day) as recorded_at,
    -- In full, of the last instalment that was paid in one sum.
    case what when 'reversal' then payment_prefix || to_char(due_count * 10, 'FM0000') end as reverses,
    'transfer' as channel
from bench_bank.today
where what in ('payment', 'late_payment', 'reversal', 'waiver', 'write_off');

create view bench_bank.day_repayment_schedule as
select
    today.loan_id,
    10 + (today.day - bank.as_of) as schedule_version,
    today.day as effective_from,
    instalment_no,
    bench_bank.due(bench_bank.month_no(today.day) + 1, instalment_no, today.due_day) as due_date,
    round(today.principal / 20, 2)::numeric(18, 2) as principal_due,
    today.interest_each as interest_due,
    0.00::numeric(18, 2) as fee_due,
    bench_bank.at_noon(today.day) as updated_at
from bench_bank.today
cross join bench_bank.bank
cross join generate_series(1, 10) as instalment_no
where today.what = 'new_schedule';

create view bench_bank.day_hardship_arrangements as
select
    'HD' || to_char(today.day, 'YYYYMMDD') || lpad(today.n::text, 8, '0') as arrangement_id,
    today.loan_id,
    case today.what when 'pause' then 'payment_pause' else 'term_extension' end as kind,
    today.day as starts_on,
    today.day + 60 as ends_on,
    'accepted' as status,
    today.day as accepted_on,
    null::date as ended_on,
    case today.what when 'new_schedule' then 10 + (today.day - bank.as_of) end as schedule_version,
    null::numeric(18, 2) as reduced_amount,
    bench_bank.at_noon(today.day) as updated_at
from bench_bank.today
cross join bench_bank.bank
where today.what in ('pause', 'new_schedule');

create view bench_bank.day_loans as
select
    loans.loan_id,
    loans.customer_id,
    loans.product,
    loans.currency,
    loans.principal,
    loans.annual_rate,
    loans.disbursed_on,
    loans.maturity_on,
    loans.day_count,
    'written_off' as status,
    loans.closed_on,
    today.day as written_off_on,
    bench_bank.at_noon(today.day) as updated_at
from bench_bank.today
inner join bench_bank.loans on today.loan_id = loans.loan_id
where today.what = 'write_off';

create view bench_bank.day_customer_flags as
select distinct
    today.customer_id,
    'hardship_requested' as flag,
    today.day as valid_from,
    null::date as valid_to,
    null as note,
    bench_bank.at_noon(today.day) as updated_at
from bench_bank.today
where today.event_share < 0.01;

create view bench_bank.day_contact_points as
select distinct
    points.contact_point_id,
    points.customer_id,
    points.kind,
    '+8614' || substr(points.value, 6) as value,
    points.city,
    points.postal_code,
    points.latitude,
    points.longitude,
    points.is_valid,
    points.relation,
    points.source,
    points.consent,
    bench_bank.at_noon(today.day) as updated_at
from bench_bank.today
inner join bench_bank.contact_points as points on today.customer_id = points.customer_id and points.kind = 'mobile'
where today.event_share > 0.98;

create view bench_bank.day_feed_status as
select distinct
    'customer_flags' as table_name,
    today.day::timestamp at time zone 'UTC' as complete_to,
    today.day::timestamp at time zone 'UTC' as updated_at
from bench_bank.today;

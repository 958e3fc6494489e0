-- Who read personal data, and by which door. Safe to run again.
create table if not exists ops.personal_data_access (
    access_id bigint generated always as identity primary key,
    accessed_at timestamptz not null default clock_timestamp(),
    role_name text not null default session_user,
    person text,
    customer_id text not null,
    as_of date,
    what text not null,
    purpose text,
    is_granted boolean not null default true
);
create index if not exists personal_data_access_customer on ops.personal_data_access (customer_id);
comment on table ops.personal_data_access is
    'One row per look at a customer: an explanation, or values that a steward read or was refused. Not for bi_reader.';
comment on column ops.personal_data_access.role_name is 'The database role that was connected.';
comment on column ops.personal_data_access.person is 'The person, as the client says.';

create table if not exists ops.steward_jurisdiction (
    role_name text not null,
    jurisdiction text not null,
    primary key (role_name, jurisdiction)
);
comment on table ops.steward_jurisdiction is
    'Whose customers a steward may see, by login role; `*` is everybody, those without a jurisdiction included.';

-- The role of the shipped system sees all; a bank gives each steward a role of its own, a member of data_steward, with rows of
-- its own, and takes this row away.
insert into ops.steward_jurisdiction
select
    'data_steward',
    '*'
where not exists (select from ops.steward_jurisdiction);

-- `session_user`, since a function of the owner runs as the owner: a steward cannot leave it by `set role`.
create or replace function ops.may_see(jurisdiction_asked text) returns boolean
language sql stable security definer set search_path = ops, pg_temp
as $$
    select exists (
        select from ops.steward_jurisdiction as allowed
        where
            allowed.role_name = session_user
            and (allowed.jurisdiction = '*' or allowed.jurisdiction = jurisdiction_asked)
    )
$$;

create or replace function ops.jurisdiction_of(customer text, loan text) returns text
language sql stable security definer set search_path = ops, pg_temp
as $$
    select landed.jurisdiction
    from landing.customers as landed
    where
        landed.customer_id = coalesce(
            customer,
            (select loan_row.customer_id from landing.loans as loan_row where loan_row.loan_id = loan order by loan_row._row_id desc limit 1)
        )
    order by landed._row_id desc
    limit 1
$$;

-- A row that is rolled back with the reader's transaction leaves a gap in access_id and this line in the server's log.
create or replace function ops.note_access(customer text, what text, purpose text, person text, is_granted boolean)
returns bigint
language plpgsql security definer set search_path = ops, pg_temp
as $$
declare
    noted bigint;
begin
    insert into ops.personal_data_access (customer_id, what, purpose, person, is_granted)
    values (customer, what, purpose, person, is_granted)
    returning access_id into noted;
    raise log 'personal data: access % by %: %', noted, session_user, what;
    return noted;
end
$$;

create or replace function ops.read_contact_points(customer text, purpose text, person text default null)
returns table (contact_point_id text, kind text, value text)
language plpgsql security definer set search_path = ops, pg_temp
as $$
#variable_conflict use_column
declare
    allowed boolean := ops.may_see(ops.jurisdiction_of(customer, null));
begin
    perform ops.note_access(customer, 'contact points', purpose, person, allowed);
    return query
    select point.contact_point_id, point.kind, point.value
    from staging.stg_core_banking__contact_points as point
    where allowed and point.customer_id = customer
    order by point.contact_point_id;
end
$$;
comment on function ops.read_contact_points(text, text, text) is
    'Values of a customer''s contact points, for a steward of the jurisdiction; none for others. Written down either way.';

create or replace function ops.read_customer(customer text, purpose text, person text default null)
returns table (customer_id text, full_name text, national_id text, date_of_birth date, city text)
language plpgsql security definer set search_path = ops, pg_temp
as $$
#variable_conflict use_column
declare
    allowed boolean := ops.may_see(ops.jurisdiction_of(customer, null));
begin
    perform ops.note_access(customer, 'identity', purpose, person, allowed);
    return query
    select party.customer_id, party.full_name, party.national_id, party.date_of_birth, party.city
    from staging.stg_core_banking__customers as party
    where allowed and party.customer_id = customer;
end
$$;
comment on function ops.read_customer(text, text, text) is
    'Who a customer is, for a steward of the jurisdiction; no row for others. Written down either way.';

create or replace function ops.read_quarantined(quarantined_table text, row_number bigint, purpose text, person text default null)
returns setof jsonb
language plpgsql security definer set search_path = ops, pg_temp
as $$
declare
    found_row jsonb;
    allowed boolean;
begin
    if to_regclass(format('quarantine.%I', quarantined_table)) is null then
        raise exception 'quarantine.%: no such table', quarantined_table;
    end if;
    for found_row in
        execute format('select to_jsonb(held) from quarantine.%I as held where held._row_id = $1', quarantined_table)
        using row_number
    loop
        allowed := ops.may_see(coalesce(
            found_row ->> 'jurisdiction', ops.jurisdiction_of(found_row ->> 'customer_id', found_row ->> 'loan_id')
        ));
        perform ops.note_access(
            coalesce(found_row ->> 'customer_id', 'unknown'),
            format('quarantine.%s row %s', quarantined_table, row_number), purpose, person, allowed
        );
        if allowed then
            return next found_row;
        end if;
    end loop;
end
$$;
comment on function ops.read_quarantined(text, bigint, text, text) is
    'A rejected row with its personal values, for a steward of its jurisdiction. Written down either way.';

grant usage on schema ops to data_steward;
revoke execute on function
    ops.may_see(text), ops.jurisdiction_of(text, text), ops.note_access(text, text, text, text, boolean),
    ops.read_contact_points(text, text, text), ops.read_customer(text, text, text),
    ops.read_quarantined(text, bigint, text, text)
from public;
grant execute on function
    ops.may_see(text), ops.jurisdiction_of(text, text), ops.read_contact_points(text, text, text),
    ops.read_customer(text, text, text), ops.read_quarantined(text, bigint, text, text)
to data_steward;

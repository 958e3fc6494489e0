-- Inline, as below: what joins a query that is written down as a whole is done in one process.
with customers as {{ inline() }} (
    select * from {{ ref('int_customers__in_scope') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

versions as (
    select * from {{ source('landing', 'contact_points') }}
),

batches as (
    select * from {{ ref('stg_ops__passed_batches') }}
),

-- Inline: read twice in parallel is sooner done than written to disk as a whole.
numbers as {{ inline() }} (
    select
        customer_id,
        {{ contact_value('kind', 'value') }} as normal_value
    from {{ ref('stg_core_banking__contact_points') }}
    where kind in ('mobile', 'landline')
),

-- Customers in scope, and those who are reached at a number of theirs: a number that is shared is so for both.
considered as (
    select customer_id from customers
    union distinct
    select numbers.customer_id
    from numbers
    where
        numbers.normal_value in (
            select of_customers.normal_value
            from numbers as of_customers
            inner join customers on of_customers.customer_id = customers.customer_id
        )
),

-- Only what the customer is reached at himself, from a source that the law allows.
lawful as (
    select
        points.*,
        case points.kind when 'address' then 'address' when 'email' then 'email' else 'phone' end as point_group,
        {{ contact_value('points.kind', 'points.value') }} as normal_value
    from {{ ref('stg_core_banking__contact_points') }} as points
    inner join considered on points.customer_id = considered.customer_id
    where
        points.relation = 'self'
        and {{ is_lawful_source('points.source') }}
),

-- A wrong party or a dead number speaks of the number that was dialled, whatever the bank says of it since: it holds
-- until the bank has another number in its place.
reported as (
    select
        events.source,
        events.source_key,
        events.customer_id,
        events.contact_point_ref,
        events.contact_point_id,
        events.occurred_at,
        case when events.medium = 'field_visit' then 'address' else 'phone' end as point_group
    from events
    where
        events.suppresses = 'CONTACT_POINT_INVALID'
        and events.occurred_on <= {{ as_of_date() }}
),

-- The bank's own note does not say which number: it can only speak of the only one.
only_points as (
    select
        lawful.customer_id,
        lawful.point_group
    from lawful
    where
        lawful.customer_id in (
            select reported.customer_id
            from reported
            where reported.source = 'interaction'
        )
    group by lawful.customer_id, lawful.point_group
    having count(*) = 1
),

spoken_of as (
    select
        lawful.contact_point_id,
        lawful.kind,
        lawful.normal_value,
        reported.source,
        reported.source_key,
        reported.occurred_at
    from reported
    inner join lawful
        on
            reported.customer_id = lawful.customer_id
            and reported.point_group = lawful.point_group
    left join only_points
        on
            reported.customer_id = only_points.customer_id
            and reported.point_group = only_points.point_group
    where
        case
            when reported.source = 'interaction' then only_points.customer_id is not null
            -- Which alternate number was dialled is not kept: it is one of the others.
            when reported.contact_point_ref = 'alternate_phone'
                then lawful.contact_point_id is distinct from reported.contact_point_id
            else lawful.contact_point_id = reported.contact_point_id
        end
),

versions_spoken_of as (
    select
        spoken_of.contact_point_id,
        spoken_of.source,
        spoken_of.source_key,
        spoken_of.normal_value,
        versions._row_id,
        {{ contact_value('spoken_of.kind', 'versions.value') }} as dialled_value,
        versions.updated_at <= spoken_of.occurred_at as is_before,
        abs(extract(epoch from versions.updated_at - spoken_of.occurred_at)) as seconds_apart
    from spoken_of
    inner join versions on spoken_of.contact_point_id = versions.contact_point_id
    inner join batches on versions._batch_id = batches.batch_id
),

-- The value at that time: the newest version before, or the oldest where all are later.
dialled as (
    {{ first_of_each(
        'versions_spoken_of',
        'contact_point_id, source, source_key',
        'is_before desc nulls first, seconds_apart asc nulls last, _row_id desc'
    ) }}
),

proven_wrong as (
    select contact_point_id
    from dialled
    where dialled_value = normal_value
),

judged as (
    select
        lawful.*,
        (
            lawful.is_valid is false
            or lawful.contact_point_id in (select proven_wrong.contact_point_id from proven_wrong)
            or (lawful.point_group = 'phone' and not {{ matches('lawful.normal_value', '^[+][1-9][0-9]{6,14}$') }})
        ) as is_invalid,
        coalesce(lawful.consent = 'refused', false) as is_refused
    from lawful
),

-- One number on file twice is one number, and as bad as its worst copy.
merged as (
    select
        judged.contact_point_id,
        judged.customer_id,
        judged.kind,
        judged.point_group,
        judged.normal_value,
        judged.city,
        judged.postal_code,
        judged.latitude,
        judged.longitude,
        judged.consent,
        judged.is_valid,
        bool_or(judged.is_invalid) over copies as is_invalid,
        bool_or(judged.is_refused) over copies as is_refused,
        row_number() over (
            partition by judged.customer_id, judged.point_group, judged.normal_value
            order by judged.kind = 'mobile' desc, judged.contact_point_id
        ) as copy_number
    from judged
    window copies as (partition by judged.customer_id, judged.point_group, judged.normal_value)
),

shared as (
    select normal_value
    from merged
    where
        point_group = 'phone'
        and not is_invalid
    group by normal_value
    having min(customer_id) <> max(customer_id)
)

select
    merged.contact_point_id,
    merged.customer_id,
    merged.kind,
    merged.point_group,
    merged.normal_value as value,
    merged.city,
    merged.postal_code,
    merged.latitude,
    merged.longitude,
    merged.is_invalid,
    merged.is_refused,
    shared.normal_value is not null as is_shared,
    row_number() over (
        partition by merged.customer_id, merged.point_group
        order by
            merged.is_invalid or merged.is_refused or shared.normal_value is not null,
            merged.kind = 'mobile' desc,
            coalesce(merged.consent = 'granted', false) desc,
            merged.is_valid is true desc,
            merged.contact_point_id
    ) as preference
from merged
left join shared
    on
        merged.point_group = 'phone'
        and not merged.is_invalid
        and merged.normal_value = shared.normal_value
where merged.copy_number = 1

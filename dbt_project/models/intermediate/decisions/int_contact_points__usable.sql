with points as (
    select * from {{ ref('stg_core_banking__contact_points') }}
),

events as (
    select * from {{ ref('int_customers__contact_event') }}
),

-- Only what the customer is reached at himself, from a source that the law allows. Where the bank does not say the source,
-- the point is taken as given with the contract; a source outside the list is never used.
lawful as (
    select
        points.*,
        case points.kind when 'address' then 'address' when 'email' then 'email' else 'phone' end as point_group,
        case
            when points.kind in ('mobile', 'landline') then regexp_replace(points.value, '[^0-9+]', '', 'g')
            else points.value
        end as normal_value
    from points
    where
        points.relation = 'self'
        and (points.source is null or points.source in ('contract', 'customer', 'authorised', 'public', 'bureau'))
),

counted as (
    select
        lawful.*,
        count(*) over (partition by lawful.customer_id, lawful.point_group) as points_in_group
    from lawful
),

-- A wrong party or a dead number holds until the bank itself confirms the point again.
complaints_of_point as (
    select
        events.customer_id,
        events.source,
        events.contact_point_ref,
        events.contact_point_id,
        events.occurred_at,
        case when events.medium = 'field_visit' then 'address' else 'phone' end as point_group
    from events
    where
        events.suppresses = 'CONTACT_POINT_INVALID'
        and events.occurred_on <= {{ as_of_date() }}
),

proven_wrong as (
    select distinct counted.contact_point_id
    from counted
    inner join complaints_of_point
        on
            counted.customer_id = complaints_of_point.customer_id
            and counted.point_group = complaints_of_point.point_group
    where
        not (counted.is_valid is true and counted.updated_at > complaints_of_point.occurred_at)
        and case
            -- The bank's own note does not say which number: it can only speak of the only one.
            when complaints_of_point.source = 'interaction' then counted.points_in_group = 1
            -- Which alternate number was dialled is not kept: it is one of the others.
            when complaints_of_point.contact_point_ref = 'alternate_phone'
                then counted.contact_point_id is distinct from complaints_of_point.contact_point_id
            else counted.contact_point_id = complaints_of_point.contact_point_id
        end
),

judged as (
    select
        counted.*,
        (
            counted.is_valid is false
            or proven_wrong.contact_point_id is not null
            or (counted.point_group = 'phone' and counted.normal_value !~ '^\+[1-9][0-9]{6,14}$')
        ) as is_invalid,
        counted.consent is not distinct from 'refused' as is_refused
    from counted
    left join proven_wrong on counted.contact_point_id = proven_wrong.contact_point_id
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
    having count(distinct customer_id) > 1
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
            merged.consent is not distinct from 'granted' desc,
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

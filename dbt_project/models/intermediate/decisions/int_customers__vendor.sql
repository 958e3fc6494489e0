with customers as (
    select * from {{ ref('int_customers__in_scope') }}
),

vendors as (
    select * from {{ ref('vendors') }}
),

plans as (
    select * from {{ ref('int_customers__planned_contact') }}
),

assignments as (
    select * from {{ ref('stg_core_banking__collector_assignments') }}
),

collectors as (
    select * from {{ ref('stg_core_banking__collectors') }}
),

weighted as (
    select
        vendor,
        channel,
        sum(weight * daily_capacity) over (partition by channel order by vendor) as weight_to,
        sum(weight * daily_capacity) over (partition by channel order by vendor) - weight * daily_capacity
            as weight_from,
        sum(weight * daily_capacity) over (partition by channel) as weight_total
    from vendors
),

-- Always the same place between 0 and 1 for a customer and channel, whatever vendors there are.
shares as (
    select
        customers.customer_id,
        weighted.channel,
        weighted.vendor
    from customers
    cross join weighted
    where
        weighted.weight_total > 0
        and (
            -- The only one of its channel: where in it a customer lies need not be worked out.
            weighted.weight_to - weighted.weight_from = weighted.weight_total
            or (
                {{ share_of("customers.customer_id || '|' || weighted.channel") }} * weighted.weight_total
                >= weighted.weight_from
                and {{ share_of("customers.customer_id || '|' || weighted.channel") }} * weighted.weight_total
                < weighted.weight_to
            )
        )
),

open_plans as (
    select
        plans.customer_id,
        plans.channel,
        plans.vendor,
        plans.planned_on
    from plans
    inner join vendors
        on
            plans.vendor = vendors.vendor
            and plans.channel = vendors.channel
),

open_batches as (
    {{ first_of_each('open_plans', 'customer_id, channel', 'planned_on desc, vendor asc') }}
),

current_assignments as (
    select
        assignments.customer_id,
        assignments.assigned_on,
        collectors.channel,
        collectors.vendor,
        collectors.collector_id
    from assignments
    inner join collectors on assignments.collector_id = collectors.collector_id
    inner join vendors
        on
            collectors.vendor = vendors.vendor
            and collectors.channel = vendors.channel
    where
        assignments.assigned_on <= {{ as_of_date() }}
        and (assignments.released_on is null or assignments.released_on > {{ as_of_date() }})
        and (collectors.left_on is null or collectors.left_on > {{ as_of_date() }})
),

assigned as (
    {{ first_of_each('current_assignments', 'customer_id, channel', 'assigned_on desc, collector_id asc') }}
)

select
    shares.customer_id,
    shares.channel,
    coalesce(open_batches.vendor, assigned.vendor, shares.vendor) as vendor,
    case
        when coalesce(open_batches.vendor, assigned.vendor) = assigned.vendor then assigned.collector_id
    end as collector_id
from shares
left join open_batches
    on
        shares.customer_id = open_batches.customer_id
        and shares.channel = open_batches.channel
left join assigned
    on
        shares.customer_id = assigned.customer_id
        and shares.channel = assigned.channel

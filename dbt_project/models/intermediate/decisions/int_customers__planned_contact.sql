{% set longest_open_days = env_var('ARREARS_REPORTING_DEADLINE_HOURS', '48') | int // 24 + 3 -%}

with plans as (
    select * from {{ ref('stg_vendor__plan') }}
),

results as (
    select * from {{ ref('stg_vendor__result') }}
),

dispositions as (
    select * from {{ ref('dispositions') }}
),

channels as (
    select * from {{ ref('channels') }}
),

ledger as (
    {{ published_decisions() }}
),

reported as (
    select
        results.batch_id,
        results.contact_ref,
        count(*) as attempts,
        bool_or(dispositions.is_final) as is_final
    from results
    left join dispositions on results.disposition = dispositions.disposition
    group by results.batch_id, results.contact_ref
),

-- How many attempts the rows were allowed of the lists that can still be open.
allowed as (
    select
        as_of,
        channel,
        customer_id,
        currency,
        attempts
    from ledger
    where
        as_of >= {{ as_of_date() }} - {{ longest_open_days }}
        and as_of < {{ as_of_date() }}
        and attempts > 0
),

outstanding as (
    select
        plans.customer_id,
        plans.currency,
        plans.contact_point_id,
        plans.channel,
        channels.medium,
        plans.as_of as planned_on,
        plans.vendor,
        -- Where the ledger does not know the row, the most that its channel plans is never too few.
        coalesce(allowed.attempts, channels.planned_attempts) - coalesce(reported.attempts, 0) as attempts
    from plans
    inner join channels on plans.channel = channels.channel
    left join reported
        on
            plans.batch_id = reported.batch_id
            and plans.contact_ref = reported.contact_ref
    left join allowed
        on
            plans.as_of = allowed.as_of
            and plans.channel = allowed.channel
            and plans.customer_id = allowed.customer_id
            and plans.currency = allowed.currency
    where
        plans.state not in ('refused', 'superseded', 'expired')
        and not plans.is_final
        and not coalesce(reported.is_final, false)
        and plans.as_of < {{ as_of_date() }}
        and plans.valid_until + {{ reporting_deadline() }}
        >= cast({{ as_of_date() }} as timestamp) at time zone {{ bank_time_zone() }}
)

select
    customer_id,
    currency,
    contact_point_id,
    channel,
    medium,
    planned_on,
    vendor,
    attempts
from outstanding
where attempts > 0

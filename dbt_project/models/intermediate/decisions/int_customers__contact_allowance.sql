with scope as (
    select * from {{ ref('int_customers__scope') }}
),

channels as (
    select * from {{ ref('channels') }}
),

limits as (
    {{ limits_in_force() }}
),

-- A limit on a channel binds the channels that use its medium; one without a channel binds all together.
bound as (
    select
        limits.limit_id,
        limits.policy_id,
        limits.at_most,
        channels.channel,
        limits.days = 1 as is_daily,
        case
            when limits.channel is null then 'all'
            when limits.channel = channels.medium then 'medium'
            else 'own'
        end
        || case limits.per when 'loan' then '_of_loan' else '' end as reach
    from limits
    inner join channels on limits.channel is null or limits.channel in (channels.channel, channels.medium)
),

uses as (
    {{ contact_uses() }}
),

counted as (
    select
        scope.customer_id,
        scope.currency,
        limits.limit_id,
        limits.per,
        uses.loan_id,
        uses.contact_point_id,
        sum(uses.times) as times
    from scope
    inner join limits on scope.policy_id = limits.policy_id
    inner join uses
        on
            scope.customer_id = uses.customer_id
            and {{ counts_towards(
                'limits', channel='limits.channel', currency='scope.currency', loan_ids='scope.loan_ids'
            ) }}
    group by
        scope.customer_id, scope.currency, limits.limit_id, limits.per, uses.loan_id, uses.contact_point_id
),

by_subject as (
    select
        customer_id,
        currency,
        limit_id,
        case per when 'loan' then loan_id when 'contact_point' then contact_point_id end as subject,
        sum(times) as times
    from counted
    group by
        customer_id,
        currency,
        limit_id,
        case per when 'loan' then loan_id when 'contact_point' then contact_point_id end
),

-- What names no loan or number counts for each of them; the fullest of them is the one that binds.
used as (
    select
        customer_id,
        currency,
        limit_id,
        coalesce(sum(times) filter (where subject is null), 0)
        + coalesce(max(times) filter (where subject is not null), 0) as times
    from by_subject
    group by customer_id, currency, limit_id
),

users as (
    select distinct
        used.customer_id,
        used.currency,
        scope.policy_id
    from used
    inner join scope
        on
            used.customer_id = scope.customer_id
            and used.currency = scope.currency
),

left_over as (
    select
        users.customer_id,
        users.currency,
        users.policy_id,
        bound.channel,
        bound.reach,
        bound.is_daily,
        bound.at_most - coalesce(used.times, 0) as attempts
    from users
    inner join bound on users.policy_id = bound.policy_id
    left join used
        on
            users.customer_id = used.customer_id
            and users.currency = used.currency
            and bound.limit_id = used.limit_id
    union all
    -- Whoever had no contact has all of it left.
    select
        null as customer_id,
        null as currency,
        policy_id,
        channel,
        reach,
        is_daily,
        at_most as attempts
    from bound
)

select
    customer_id,
    currency,
    policy_id,
    channel,
    {{ for_each_limit("min(attempts) filter (where @is_daily and reach = '@reach') as @limit") }}
from left_over
group by customer_id, currency, policy_id, channel

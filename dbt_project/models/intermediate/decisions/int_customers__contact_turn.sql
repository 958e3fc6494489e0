with recursive considered as (
    select * from {{ ref('int_customers__considered') }}
),

waiting as (
    select * from {{ ref('int_customers__days_waited') }}
),

allowances as (
    select * from {{ ref('int_customers__contact_allowance') }}
),

wait_rules as (
    {{ policy_parameter('longest_wait_days', 'integer') }}
),

longest_waits as (
    select
        policy_id,
        min(longest_wait_days) as longest_wait_days
    from wait_rules
    group by policy_id
),

-- What several contacts of one customer take from each other ---------------------------------------------------------
permitted as (
    select
        considered.customer_id,
        considered.currency,
        considered.channel,
        considered.medium,
        considered.channel_position,
        considered.planned_attempts,
        considered.step,
        considered.vendor,
        considered.daily_capacity,
        considered.expected_value,
        considered.reasons,
        waiting.days_waited,
        longest_waits.longest_wait_days,
        {{ for_each_limit('coalesce(personal.@limit, usual.@limit) as @limit') }}
    from considered
    left join waiting
        on
            considered.customer_id = waiting.customer_id
            and considered.currency = waiting.currency
            and considered.channel = waiting.channel
    left join longest_waits on considered.policy_id = longest_waits.policy_id
    left join allowances as personal
        on
            considered.customer_id = personal.customer_id
            and considered.currency = personal.currency
            and considered.channel = personal.channel
    left join allowances as usual
        on
            usual.customer_id is null
            and considered.policy_id = usual.policy_id
            and considered.channel = usual.channel
    where {{ array_size(array_without('considered.reasons', "'NOT_APPROVED'")) }} = 0
),

ordered as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by step asc, channel_position asc, expected_value desc, currency asc
        ) as turn
    from permitted
),

in_turn as (
    {{ granted_in_turn('ordered') }}
),

granted as (
    select
        ordered.customer_id,
        ordered.currency,
        ordered.channel,
        ordered.vendor,
        ordered.daily_capacity,
        ordered.expected_value,
        ordered.reasons,
        in_turn.attempts,
        md5(concat_ws('|', ordered.customer_id, ordered.currency, ordered.channel, {{ as_of_date() }}))
            as tie_breaker,
        case
            when ordered.days_waited >= ordered.longest_wait_days then ordered.days_waited
            else 0
        end as days_overdue,
        in_turn.left_day <= 0 as is_day_used_up,
        in_turn.left_period <= 0 as is_period_used_up
    from ordered
    inner join in_turn
        on
            ordered.customer_id = in_turn.customer_id
            and ordered.turn = in_turn.turn
),

-- Who has waited longest goes first, once that is longer than anybody should; otherwise the expected value decides.
ranked as (
    select
        *,
        case
            when attempts > 0
                then row_number() over (
                    partition by channel, vendor, attempts > 0
                    order by days_overdue desc, expected_value desc, tie_breaker asc
                )
        end as priority
    from granted
)

select
    customer_id,
    currency,
    channel,
    attempts,
    priority,
    reasons || {{ texts_where([
        ('FREQUENCY_DAY', 'is_day_used_up'),
        ('FREQUENCY_PERIOD', 'is_period_used_up'),
        ('CAPACITY', 'priority > daily_capacity'),
    ]) }} as reasons
from ranked

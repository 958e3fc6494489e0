{{ config(materialized='incremental', incremental_strategy='append') }}

{%- set dimensions = ['age_band', 'sex', 'city', 'language'] -%}

with ledger as (
    select
        as_of,
        customer_id,
        channel,
        tier,
        days_past_due,
        decision,
        reason_code,
        all_reasons,
        {{ month_of('as_of') }} as month
    from {{ ref('int_customers__contact_decision') }}
    where
        as_of >= {{ months_to_report() }}
        and as_of < {{ month_of(as_of_date()) }}
),

channels as (
    select * from {{ ref('channels') }}
),

referrals as (
    select
        customer_id,
        decision,
        {{ month_of('as_of') }} as month
    from {{ ref('fct_contact_decision') }}
    where
        channel = 'legal'
        and (decision = 'contact' or all_reasons = {{ texts(['NOT_APPROVED']) }})
        and as_of >= {{ months_to_report() }}
        and as_of < {{ month_of(as_of_date()) }}
),

customers as (
    select * from {{ ref('dim_customer') }}
),

-- What was decided of each customer in the month ----------------------------------------------------------------------
decided as (
    select
        ledger.month,
        ledger.customer_id,
        bool_or(ledger.decision = 'contact' and channels.is_optional) as is_contacted,
        bool_or(ledger.decision = 'contact' and ledger.channel = 'care') as is_offered_care
    from ledger
    inner join channels on ledger.channel = channels.channel
    group by ledger.month, ledger.customer_id
),

first_rows as (
    {{ first_of_each('ledger', 'month, customer_id', 'as_of asc, days_past_due desc, tier asc') }}
),

referred as (
    select
        month,
        customer_id,
        bool_or(decision = 'contact') as is_approved
    from referrals
    group by month, customer_id
),

-- Who they are. Nothing of this decides about anybody.
people as (
    select
        decided.month,
        decided.customer_id,
        first_rows.tier as population,
        decided.is_contacted,
        decided.is_offered_care,
        referred.is_approved,
        coalesce(customers.sex, 'unknown') as sex,
        coalesce(customers.city, 'unknown') as city,
        coalesce(customers.language, 'unknown') as language, -- noqa: RF04
        {{ age_band('customers.date_of_birth', 'decided.month') }} as age_band
    from decided
    inner join first_rows
        on
            decided.month = first_rows.month
            and decided.customer_id = first_rows.customer_id
    left join customers on decided.customer_id = customers.customer_id
    left join referred
        on
            decided.month = referred.month
            and decided.customer_id = referred.customer_id
),

grouped as (
    {%- for dimension in dimensions %}
    select
        month,
        population,
        '{{ dimension }}' as dimension,
        {{ dimension }} as group_name,
        is_contacted,
        is_offered_care,
        is_approved
    from people
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

outcomes as (
    {%- for outcome in ['contacted', 'offered_care', 'approved'] %}
    select
        month,
        population,
        dimension,
        group_name,
        '{{ outcome }}' as outcome,
        is_{{ outcome }} as has_outcome
    from grouped
    where is_{{ outcome }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

sizes as (
    select
        month,
        population,
        dimension,
        group_name,
        outcome,
        count(*) as customers
    from outcomes
    group by month, population, dimension, group_name, outcome
),

-- Groups of few are put together, and with a greater one until they are enough: no sums differ by few.
with_smaller as (
    select
        *,
        sum(customers) over (
            partition by month, population, dimension, outcome
            order by customers asc, group_name asc
            rows between unbounded preceding and 1 preceding
        ) as smaller
    from sizes
),

shown as (
    select
        outcomes.month,
        outcomes.population,
        outcomes.dimension,
        outcomes.outcome,
        outcomes.has_outcome,
        case
            when
                with_smaller.customers < {{ fewest_customers() }}
                or coalesce(with_smaller.smaller, {{ fewest_customers() }}) < {{ fewest_customers() }}
                then 'other'
            else outcomes.group_name
        end as group_name
    from outcomes
    inner join with_smaller
        on
            outcomes.month = with_smaller.month
            and outcomes.population = with_smaller.population
            and outcomes.dimension = with_smaller.dimension
            and outcomes.outcome = with_smaller.outcome
            and outcomes.group_name = with_smaller.group_name
),

counted as (
    select
        month,
        population,
        dimension,
        outcome,
        group_name,
        count(*) as customers,
        count(*) filter (where has_outcome) as with_outcome
    from shown
    group by month, population, dimension, outcome, group_name
),

ranked as (
    select
        *,
        count(*) over alike as group_count,
        row_number() over (
            partition by month, population, dimension, outcome
            order by customers desc, group_name asc
        ) as place,
        first_value(customers) over by_size as customers_of_largest,
        first_value(with_outcome) over by_size as with_outcome_of_largest
    from counted
    window
        alike as (partition by month, population, dimension, outcome),
        by_size as (
            partition by month, population, dimension, outcome
            order by customers desc, group_name asc
        )
),

-- The logarithm of a ratio of two shares is about normal (Katz). Half a customer more leaves no share at 0.
compared as (
    select
        *,
        ln(
            (with_outcome + 0.5) / (customers + 1.0)
            / ((with_outcome_of_largest + 0.5) / (customers_of_largest + 1.0))
        ) as log_ratio,
        sqrt(
            1 / (with_outcome + 0.5) - 1 / (customers + 1.0)
            + 1 / (with_outcome_of_largest + 0.5) - 1 / (customers_of_largest + 1.0)
        ) as deviation
    from ranked
    where
        group_count > 1
        and customers >= {{ fewest_customers() }}
),

bounded as (
    select
        *,
        case when place > 1 then exp(log_ratio - 1.96 * deviation) end as low,
        case when place > 1 then exp(log_ratio + 1.96 * deviation) end as high
    from compared
)

select
    month,
    population,
    dimension,
    group_name,
    outcome,
    customers,
    with_outcome,
    {{ rate('with_outcome', 'customers') }} as rate,
    place = 1 as is_reference,
    {{ rate(
        'case when place > 1 then with_outcome * customers_of_largest end', '(customers * with_outcome_of_largest)'
    ) }} as ratio,
    cast(round(cast(low as numeric(30, 12)), 6) as numeric(18, 6)) as ratio_low,
    cast(round(cast(high as numeric(30, 12)), 6) as numeric(18, 6)) as ratio_high,
    coalesce(high < 0.8 or low > 1.25, false) as is_warning
from bounded

with recursive

terms as (
    select * from {{ ref('int_loans__terms') }}
),

horizon as (
    select * from {{ ref('int_builds__horizon') }}
),

bounds as (
    select
        {{ month_of('min(terms.disbursed_on)') }} as first_month,
        {{ month_of('(max(horizon.known_until) + 1)') }} as unfinished_month
    from terms
    cross join horizon
),

months as (
    select
        first_month as month,
        unfinished_month
    from bounds
    where first_month < unfinished_month
    union all
    select
        {{ add_months('month', 1) }} as month,
        unfinished_month
    from months
    where {{ add_months('month', 1) }} < unfinished_month
)

select
    months.month,
    {{ month_end_of('months.month') }} as month_end,
    months.month - 1 as previous_month_end,
    coalesce({{ month_end_of('months.month') }} > horizon.published_until, true) as is_new
from months
cross join horizon

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{% if is_incremental() %}truncate {{ this }}{% endif %}",
) }}

with months as (
    select * from {{ ref('int_calendar__month_ends') }}
),

terms as (
    select * from {{ ref('int_loans__terms') }}
),

{% if is_incremental() -%}
-- The first month end that no build has kept yet, and the one before it, for what was there when that month began.
-- No row when there is none: then no loan is looked at but the touched ones.
passed as (
    select
        min(month_end) as wanted_from,
        min(previous_month_end) as known_from
    from months
    where is_new
    having count(*) > 0
),
{%- endif %}

-- The history is named twice instead of once before: so each part finds its rows by an index.
in_scope as (
    select
        history.*,
        cast('0001-01-01' as date) as wanted_from,
        cast('0001-01-01' as date) as known_from
    from {{ ref('fct_delinquency_history') }} as history
    where {{ only_touched('history.loan_id') }}
    {%- if is_incremental() %}
    union all
    select
        history.*,
        passed.wanted_from,
        passed.known_from
    from passed
    inner join {{ ref('fct_delinquency_history') }} as history
        on history.valid_to is null or passed.known_from < history.valid_to
    where not ({{ only_touched('history.loan_id') }})
    {%- endif %}
),

-- An interval reaches to its end, and in the month in which the loan is closed to that of the month.
ranged as (
    select
        in_scope.loan_id,
        in_scope.wanted_from,
        in_scope.known_from,
        in_scope.schedule_version,
        in_scope.oldest_unpaid_due_date,
        in_scope.oldest_unpaid_counted_from,
        in_scope.newest_counted_due_on,
        in_scope.next_due_on,
        in_scope.arrears_amount,
        in_scope.outstanding_principal,
        coalesce(in_scope.valid_to, {{ far_future() }}) as valid_to,
        terms.product,
        terms.jurisdiction,
        terms.currency,
        terms.day_count,
        {{ month_end_of('in_scope.valid_from') }} as first_month_end,
        case
            when in_scope.valid_to is null then {{ far_future() }}
            when in_scope.valid_to = terms.closed_on then {{ month_end_of('in_scope.valid_to') }} + 1
            else in_scope.valid_to
        end as reaches_to
    from in_scope
    inner join terms
        on in_scope.loan_id = terms.loan_id
),

-- Most intervals hold one month's end at most, found at once; only long ones are held against every later month.
held as (
    select
        ranged.*,
        months.month_end
    from ranged
    inner join months
        on ranged.first_month_end = months.month_end
    where
        months.month_end < ranged.reaches_to
        and months.month_end >= ranged.known_from
    union all
    select
        ranged.*,
        months.month_end
    from ranged
    inner join months
        on
            ranged.first_month_end < months.month_end
            and ranged.reaches_to > months.month_end
    where
        ranged.first_month_end + 28 < ranged.reaches_to
        and months.month_end >= ranged.known_from
)

select
    held.loan_id,
    held.month_end,
    held.wanted_from,
    held.product,
    held.jurisdiction,
    held.currency,
    held.schedule_version,
    held.oldest_unpaid_due_date,
    held.arrears_amount,
    held.outstanding_principal,
    held.month_end >= held.valid_to as is_closed,
    {{ next_due_date_on('held', 'held.month_end') }} - held.month_end as days_to_due,
    {{ days_past_due(
        'held.oldest_unpaid_due_date', 'held.oldest_unpaid_counted_from', 'held.month_end', 'held.day_count'
    ) }} as days_past_due
from held

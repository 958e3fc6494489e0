{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with flows as (
    select * from {{ ref('int_portfolio__flows') }}
    where was_delinquent
),

outcomes as (
    select
        *,
        case
            when state in ('closed', 'written_off') then state
            when is_delinquent then 'delinquent'
            when is_rescheduled then 'rescheduled'
            else 'cured'
        end as outcome
    from flows
),

months as (
    select
        month,
        opening_state as from_tier,
        product,
        currency,
        sum(loans) as loans,
        sum(opening_principal) as outstanding_principal,
        {% for outcome in ['cured', 'rescheduled', 'closed', 'written_off', 'delinquent'] -%}
        coalesce(sum(case when outcome = '{{ outcome }}' then loans end), 0) as {{ outcome }},
        {% endfor -%}
        coalesce(sum(case when outcome = 'cured' then opening_principal end), 0) as cured_principal,
        sum(case when outcome = 'cured' then relapses_after_1 end) as relapsed_1m,
        sum(case when outcome = 'cured' then relapses_after_3 end) as relapsed_3m
    from outcomes
    group by month, opening_state, product, currency
)

select
    month,
    from_tier,
    product,
    currency,
    cast(loans as bigint) as loans,
    cast(cured as bigint) as cured,
    cast(rescheduled as bigint) as rescheduled,
    cast(closed as bigint) as closed,
    cast(written_off as bigint) as written_off,
    cast(delinquent as bigint) as still_delinquent,
    cast(outstanding_principal as numeric(18, 2)) as outstanding_principal,
    cast(cured_principal as numeric(18, 2)) as cured_principal,
    {{ rate('cured', 'loans') }} as cure_rate,
    {{ rate('cured_principal', 'outstanding_principal') }} as cure_rate_by_amount,
    cast(relapsed_1m as bigint) as relapsed_1m,
    cast(relapsed_3m as bigint) as relapsed_3m,
    {{ rate('relapsed_1m', 'cured') }} as relapse_rate_1m,
    {{ rate('relapsed_3m', 'cured') }} as relapse_rate_3m
from months

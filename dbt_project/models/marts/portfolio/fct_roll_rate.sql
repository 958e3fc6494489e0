{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with flows as (
    select * from {{ ref('int_portfolio__flows') }}
),

moved as (
    select
        month,
        opening_state as from_tier,
        state as to_tier,
        product,
        currency,
        sum(loans) as loans,
        sum(opening_principal) as outstanding_principal,
        sum(outstanding_principal) as closing_principal
    from flows
    group by month, opening_state, state, product, currency
)

select
    month,
    from_tier,
    to_tier,
    product,
    currency,
    cast(loans as bigint) as loans,
    cast(outstanding_principal as numeric(18, 2)) as outstanding_principal,
    cast(closing_principal as numeric(18, 2)) as closing_principal,
    {{ rate('loans', 'sum(loans) over from_one', digits=12) }} as rate_by_count,
    {{ rate('outstanding_principal', 'sum(outstanding_principal) over from_one', digits=12) }} as rate_by_amount
from moved
window from_one as (partition by month, from_tier, product, currency)

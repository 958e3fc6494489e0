-- depends_on: {{ ref('delinquency_tier') }}
{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with flows as (
    select * from {{ ref('int_portfolio__flows') }}
    where state <> 'closed'
),

tiers as (
    select
        *,
        case when is_written_off then 'written_off' else tier end as state,
        row_number() over (
            partition by jurisdiction, product, valid_from, case when is_written_off then 'written_off' else tier end
            order by rank
        ) as choice
    from {{ ref('int_policy__tiers') }}
),

months as (
    select
        {{ month_end_of('month') }} as month_end,
        state,
        product,
        jurisdiction,
        currency,
        sum(loans) as loans,
        sum(arrears_amount) as arrears_amount,
        sum(outstanding_principal) as outstanding_principal
    from flows
    group by month, state, product, jurisdiction, currency
)

select
    months.month_end,
    tiers.tier,
    months.product,
    months.jurisdiction,
    months.currency,
    tiers.rank,
    tiers.dpd_from,
    tiers.dpd_to,
    cast(months.loans as bigint) as loans,
    cast(months.arrears_amount as numeric(18, 2)) as arrears_amount,
    cast(months.outstanding_principal as numeric(18, 2)) as outstanding_principal
from months
inner join tiers
    on
        months.jurisdiction = tiers.jurisdiction
        and months.product = tiers.product
        and months.state = tiers.state
        and tiers.choice = 1
        and months.month_end >= tiers.valid_from
        and months.month_end < tiers.valid_to

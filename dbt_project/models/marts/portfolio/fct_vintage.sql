{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with bands as (
    select * from {{ ref('fct_vintage_by_score_band') }}
)

select
    disbursement_month,
    months_on_book,
    product,
    currency,
    cast(sum(loans) as bigint) as loans,
    cast(sum(ever_30) as bigint) as ever_30,
    cast(sum(ever_60) as bigint) as ever_60,
    cast(sum(ever_90) as bigint) as ever_90,
    cast(sum(written_off) as bigint) as written_off,
    cast(sum(principal) as numeric(18, 2)) as principal,
    cast(sum(written_off_principal) as numeric(18, 2)) as written_off_principal,
    {{ rate('sum(written_off_principal)', 'sum(principal)') }} as cumulative_loss_rate
from bands
group by disbursement_month, months_on_book, product, currency

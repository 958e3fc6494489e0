{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with loans as (
    select * from {{ ref('int_loans__vintage') }}
),

charge_offs as (
    select * from {{ ref('int_loans__charge_offs') }}
),

months as (
    select * from {{ ref('int_calendar__month_ends') }}
),

cohorts as (
    select
        disbursement_month,
        product,
        currency,
        score_band,
        count(*) as loans,
        sum(principal) as principal
    from loans
    group by disbursement_month, product, currency, score_band
),

-- What is counted from a month on; a write-off that is taken back is counted out again.
events as (
    {% for days in [30, 60, 90] -%}
    select
        disbursement_month,
        product,
        currency,
        score_band,
        {{ month_of('reached_' ~ days ~ '_on') }} as month,
        {{ 1 if days == 30 else 0 }} as ever_30,
        {{ 1 if days == 60 else 0 }} as ever_60,
        {{ 1 if days == 90 else 0 }} as ever_90,
        0 as written_off,
        0 as written_off_principal
    from loans
    where reached_{{ days }}_on is not null
    union all
    {% endfor -%}
    {% for day, sign in [('charged_off_on', ''), ('reinstated_on', '-')] -%}
    select
        loans.disbursement_month,
        loans.product,
        loans.currency,
        loans.score_band,
        {{ month_of('charge_offs.' ~ day) }} as month,
        0 as ever_30,
        0 as ever_60,
        0 as ever_90,
        {{ sign }}1 as written_off,
        {{ sign }}charge_offs.charged_off_principal as written_off_principal
    from charge_offs
    inner join loans
        on charge_offs.loan_id = loans.loan_id
    where charge_offs.{{ day }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

by_month as (
    select
        disbursement_month,
        product,
        currency,
        score_band,
        month,
        sum(ever_30) as ever_30,
        sum(ever_60) as ever_60,
        sum(ever_90) as ever_90,
        sum(written_off) as written_off,
        sum(written_off_principal) as written_off_principal
    from events
    group by disbursement_month, product, currency, score_band, month
),

so_far as (
    select
        cohorts.disbursement_month,
        months.month,
        cohorts.product,
        cohorts.currency,
        cohorts.score_band,
        cohorts.loans,
        cohorts.principal,
        coalesce(sum(by_month.ever_30) over in_time, 0) as ever_30,
        coalesce(sum(by_month.ever_60) over in_time, 0) as ever_60,
        coalesce(sum(by_month.ever_90) over in_time, 0) as ever_90,
        coalesce(sum(by_month.written_off) over in_time, 0) as written_off,
        coalesce(sum(by_month.written_off_principal) over in_time, 0) as written_off_principal
    from cohorts
    inner join months
        on cohorts.disbursement_month <= months.month
    left join by_month
        on
            cohorts.disbursement_month = by_month.disbursement_month
            and cohorts.product = by_month.product
            and cohorts.currency = by_month.currency
            and cohorts.score_band = by_month.score_band
            and months.month = by_month.month
    window in_time as (
        partition by cohorts.disbursement_month, cohorts.product, cohorts.currency, cohorts.score_band
        order by months.month
        rows between unbounded preceding and current row
    )
)

select
    disbursement_month,
    {{ months_between('disbursement_month', 'month') }} as months_on_book,
    product,
    currency,
    score_band,
    loans,
    cast(ever_30 as bigint) as ever_30,
    cast(ever_60 as bigint) as ever_60,
    cast(ever_90 as bigint) as ever_90,
    cast(written_off as bigint) as written_off,
    cast(principal as numeric(18, 2)) as principal,
    cast(written_off_principal as numeric(18, 2)) as written_off_principal,
    {{ rate('written_off_principal', 'principal') }} as cumulative_loss_rate
from so_far

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    indexes=[{'columns': ['as_of', 'customer_id', 'currency'], 'unique': true}],
    pre_hook="{{ delete_unsealed_day() }}",
) }}

with signs as (
    select * from {{ ref('int_customers__hardship_sign') }}
),

debts as (
    select * from {{ ref('int_loans__hardship_debt') }}
),

offers as (
    select * from {{ ref('int_loans__hardship_offer') }}
),

instalments as (
    select * from {{ ref('int_loans__offer_instalment') }}
),

-- As in the ledger of decisions: a sealed day keeps what was offered.
current_build as (
    {{ unsealed_generation() }}
),

reasons as (
    {{ first_of_each('signs', 'customer_id, currency', 'position asc') }}
),

owed as (
    select
        customer_id,
        currency,
        sum(owed_amount) as owed_amount,
        case when count(present_instalment) = count(*) then sum(present_instalment) end as present_instalment
    from debts
    group by customer_id, currency
),

offered as (
    select
        customer_id,
        currency,
        max(offer_code) as offer_code,
        max(offer_kind) as offer_kind,
        max(term_months) as offer_term_months,
        sum(instalment_minor) / max(minor_units) as offer_instalment
    from offers
    group by customer_id, currency
),

-- A loan that its rounding clears a month early has nothing in the last.
repaid as (
    select
        offered.customer_id,
        offered.currency,
        sum(instalments.amount) as offer_total,
        coalesce(
            sum(case when instalments.instalment_no = offered.offer_term_months then instalments.amount end), 0
        ) as offer_last_instalment
    from offered
    inner join instalments
        on
            offered.customer_id = instalments.customer_id
            and offered.currency = instalments.currency
    group by offered.customer_id, offered.currency
)

select
    {{ as_of_date() }} as as_of,
    current_build.generation,
    reasons.customer_id,
    reasons.currency,
    reasons.sign as reason,
    cast(coalesce(owed.owed_amount, 0) as numeric(18, 2)) as owed_amount,
    cast(owed.present_instalment as numeric(18, 2)) as present_instalment,
    offered.offer_code,
    offered.offer_kind,
    offered.offer_term_months,
    cast(offered.offer_instalment as numeric(18, 2)) as offer_instalment,
    cast(repaid.offer_last_instalment as numeric(18, 2)) as offer_last_instalment,
    cast(repaid.offer_total as numeric(18, 2)) as offer_total
from reasons
cross join current_build
left join owed
    on
        reasons.customer_id = owed.customer_id
        and reasons.currency = owed.currency
left join offered
    on
        reasons.customer_id = offered.customer_id
        and reasons.currency = offered.currency
left join repaid
    on
        reasons.customer_id = repaid.customer_id
        and reasons.currency = repaid.currency

{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_day() }}") }}

with decisions as (
    select * from {{ ref('fct_contact_decision') }}
    where as_of = {{ as_of_date() }}
),

named as (
    select
        as_of,
        channel,
        tier,
        currency,
        decision,
        arrears_amount,
        coalesce(vendor, 'none') as vendor,
        coalesce(product, 'unknown') as product,
        coalesce(jurisdiction, 'unknown') as jurisdiction,
        coalesce(reason_code, 'none') as reason_code
    from decisions
)

select
    as_of,
    channel,
    vendor,
    product,
    jurisdiction,
    tier,
    currency,
    decision,
    reason_code,
    cast(sum(arrears_amount) as numeric(18, 2)) as arrears_amount,
    count(*) as decisions
from named
group by as_of, channel, vendor, product, jurisdiction, tier, currency, decision, reason_code

-- Whoever is in scope has one row of the day for each channel, and nobody else has any: who is missing could never be
-- explained. A sealed day keeps the rows of those who were in scope then.
{% set as_of = as_of_date() -%}

with scope as (
    select * from {{ ref('int_customers__scope') }}
),

channels as (
    select * from {{ ref('channels') }}
),

ledger as (
    select * from {{ ref('int_customers__contact_decision') }}
),

current_build as (
    {{ unsealed_generation() }}
),

expected as (
    select
        scope.customer_id,
        scope.currency,
        channels.channel
    from scope
    cross join channels
    cross join current_build
),

decided as (
    select
        ledger.customer_id,
        ledger.currency,
        ledger.channel
    from ledger
    inner join current_build on ledger.generation = current_build.generation
    where ledger.as_of = {{ as_of }}
)

select
    coalesce(expected.customer_id, decided.customer_id) as customer_id,
    coalesce(expected.currency, decided.currency) as currency,
    coalesce(expected.channel, decided.channel) as channel
from expected
full outer join decided
    on
        expected.customer_id = decided.customer_id
        and expected.currency = decided.currency
        and expected.channel = decided.channel
where expected.customer_id is null or decided.customer_id is null

{{ config(materialized='incremental', incremental_strategy='append', pre_hook="{{ delete_all() }}") }}

with promises as (
    {{ promise_states('(select horizon.known_until from ' ~ ref('int_builds__horizon') ~ ' as horizon)') }}
)

select
    promise_id,
    customer_id,
    collector_id,
    vendor,
    channel,
    currency,
    promised_on,
    due_on,
    cast(amount as numeric(18, 2)) as amount,
    cast(paid_amount as numeric(18, 2)) as paid_amount,
    status
from promises
where amount > 0

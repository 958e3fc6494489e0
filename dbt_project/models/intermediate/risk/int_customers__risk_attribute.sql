{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_changed_customers() }}",
    indexes=[{'columns': ['customer_id']}],
) }}

with versions as (
    select landed.*
    from {{ source('landing', 'customers') }} as landed
    {% if is_incremental() -%}
    where
        not exists (
            select 1
            from {{ this }} as kept
            where kept.customer_id = landed.customer_id
        )
    {%- endif %}
),

batches as (
    select * from {{ ref('stg_ops__passed_batches') }}
),

rejected as (
    select * from {{ source('quarantine', 'customers') }}
),

dated as (
    select
        versions.customer_id,
        versions.monthly_income,
        versions.credit_score,
        versions.credit_score_on,
        versions.updated_at,
        versions._row_id,
        cast(versions.updated_at at time zone {{ bank_time_zone() }} as date) as updated_on,
        row_number() over (
            partition by versions.customer_id order by versions.updated_at, versions._row_id
        ) as version_no
    from versions
    inner join batches
        on versions._batch_id = batches.batch_id
    left join rejected
        on versions._row_id = rejected._row_id
    where rejected._row_id is null
),

-- Of several versions of a day the last one counts.
daily as (
    {{ first_of_each('dated', 'customer_id, updated_on', 'version_no desc') }}
),

periods as (
    select
        customer_id,
        monthly_income,
        credit_score,
        credit_score_on,
        case
            when row_number() over in_time = 1 then cast('0001-01-01' as date)
            else updated_on
        end as valid_from,
        coalesce(lead(updated_on) over in_time, {{ far_future() }}) as valid_to
    from daily
    where {{ is_known('updated_at') }} or version_no = 1
    window in_time as (partition by customer_id order by updated_on)
)

select
    customer_id,
    valid_from,
    valid_to,
    monthly_income,
    credit_score,
    credit_score_on,
    (select max(batches.batch_id) from batches) as known_to_batch
from periods

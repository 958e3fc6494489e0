{{ config(materialized='view') }}

with newest as (
    {{ newest_of('experiment_look', 'as_of') }}
),

uplifts as (
    select * from {{ source('ops', 'experiment_uplift') }}
)

select
    uplifts.experiment,
    uplifts.arm,
    uplifts.month,
    uplifts.currency,
    uplifts.versus,
    uplifts.customers,
    uplifts.measured,
    uplifts.contacted,
    uplifts.cured,
    uplifts.recovered,
    uplifts.cost,
    uplifts.uplift,
    uplifts.uplift_low,
    uplifts.uplift_high,
    uplifts.recovered_uplift,
    uplifts.recovered_uplift_low,
    uplifts.recovered_uplift_high,
    {{ rate('uplifts.cured', 'uplifts.measured') }} as cure_rate,
    {{ rate('uplifts.recovered', 'uplifts.measured') }} as recovered_per_customer
from newest
inner join uplifts on newest.look_id = uplifts.look_id
where uplifts.month is not null

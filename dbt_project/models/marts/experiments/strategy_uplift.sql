{{ config(materialized='view') }}

with looks as (
    select * from {{ source('ops', 'experiment_look') }}
),

uplifts as (
    select * from {{ source('ops', 'experiment_uplift') }}
),

generations as (
    select max(generation) as generation from {{ source('ops', 'source_generation') }}
),

newest as (
    select max(looks.as_of) as as_of
    from looks
    inner join generations on looks.generation = generations.generation
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
from looks
inner join generations on looks.generation = generations.generation
inner join newest on looks.as_of = newest.as_of
inner join uplifts on looks.look_id = uplifts.look_id
where uplifts.month is not null

{{ config(materialized='view') }}

with looks as (
    select * from {{ source('ops', 'experiment_look') }}
),

verdicts as (
    select * from {{ source('ops', 'experiment_verdict') }}
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
    verdicts.experiment,
    verdicts.arm,
    looks.as_of,
    verdicts.treatment,
    verdicts.share,
    verdicts.customers,
    verdicts.measured,
    verdicts.cured,
    verdicts.complaints,
    verdicts.opt_outs,
    verdicts.assignment_chance,
    verdicts.verdict,
    verdicts.verdict_text,
    verdicts.least_effect,
    verdicts.uplift,
    verdicts.uplift_low,
    verdicts.uplift_high,
    verdicts.needed,
    {{ rate('verdicts.cured', 'verdicts.measured') }} as cure_rate
from looks
inner join generations on looks.generation = generations.generation
inner join newest on looks.as_of = newest.as_of
inner join verdicts on looks.look_id = verdicts.look_id

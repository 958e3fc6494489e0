{{ config(materialized='view') }}

with newest as (
    {{ newest_of('experiment_look', 'as_of') }}
),

verdicts as (
    select * from {{ source('ops', 'experiment_verdict') }}
)

select
    verdicts.experiment,
    verdicts.arm,
    newest.as_of,
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
from newest
inner join verdicts on newest.look_id = verdicts.look_id

{{ config(materialized='view', schema='bi', alias='experiment_verdict') }}

with mart as (
    select * from {{ ref('experiment_verdict') }}
)

select
    mart.experiment,
    mart.arm,
    mart.as_of,
    mart.treatment,
    mart.share,
    mart.customers,
    mart.measured,
    mart.cured,
    mart.complaints,
    mart.opt_outs,
    mart.assignment_chance,
    mart.verdict,
    mart.verdict_text,
    mart.least_effect,
    mart.uplift,
    mart.uplift_low,
    mart.uplift_high,
    mart.needed,
    mart.cure_rate
from mart

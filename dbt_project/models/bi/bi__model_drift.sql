{{ config(materialized='view', schema='bi', alias='model_drift') }}

with mart as (
    select * from {{ ref('model_drift') }}
)

select
    as_of,
    purpose,
    model_version,
    measure,
    name,
    loans,
    psi,
    expected_rate,
    observed_rate,
    verdict,
    is_alarming
from mart

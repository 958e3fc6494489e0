-- depends_on: {{ ref('int_builds__horizon') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ delete_unless_older_day() }}",
) }}

with scores as (
    select * from {{ ref('int_loans__early_warning') }}
),

loans as (
    select * from {{ ref('int_loans__delinquency') }}
)

select
    loans.as_of,
    loans.loan_id,
    loans.customer_id,
    loans.product,
    loans.jurisdiction,
    loans.currency,
    loans.tier,
    loans.outstanding_principal,
    -- 50 to 1 for paying is a score of 600, and 20 points more double the odds.
    cast(round(600 - 20 / ln(2) * (scores.logit + ln(50))) as integer) as score,
    scores.probability as probability_30dpd_90d,
    scores.band,
    scores.top_reasons,
    scores.model_version
from scores
inner join loans
    on scores.loan_id = loans.loan_id
{% if is_incremental() -%}
where {{ is_newest_day() }}
{%- endif %}

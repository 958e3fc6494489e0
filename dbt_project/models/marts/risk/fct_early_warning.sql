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
    {{ score_of('scores.logit') }} as score,
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

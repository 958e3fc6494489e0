-- depends_on: {{ ref('int_loans__month_end') }}, {{ ref('int_loans__terms') }}, {{ ref('int_calendar__month_ends') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ delete_other_features() }}",
    indexes=[{'columns': ['as_of_date', 'loan_id'], 'unique': true}, {'columns': ['features_version']}],
) }}

select
    features.*,
    '{{ features_version() }}' as features_version
from (
    {{ risk_features(observed_loans()) }}
) as features

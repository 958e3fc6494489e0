-- depends_on: {{ ref('int_risk__champion') }}, {{ ref('int_risk__champion_bin') }}, {{ ref('risk_features') }}
{{ config(indexes=[{'columns': ['loan_id'], 'unique': true}, {'columns': ['customer_id']}]) }}

{{ scored_loans('self_cure') }}

{{ config(indexes=[{'columns': ['loan_id'], 'unique': true}]) }}

{{ risk_features(
    'select loan_id, as_of as as_of_date from ' ~ ref('int_loans__delinquency') ~ ' where not is_written_off'
) }}

{{ config(materialized='view') }}

{{ transaction_effects() }}

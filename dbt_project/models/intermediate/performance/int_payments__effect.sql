{{ config(materialized='view') }}

{{ payment_effects() }}

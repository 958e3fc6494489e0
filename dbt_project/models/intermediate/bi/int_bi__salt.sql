{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false) }}

-- Drawn once for a warehouse and never again: with it the keys in `bi` stay the same, without it nobody can work out
-- whose they are.
select encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex') as salt
{% if is_incremental() %}
where not exists (select 1 from {{ this }})
{% endif %}

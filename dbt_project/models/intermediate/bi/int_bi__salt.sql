{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false) }}

-- Drawn once for a warehouse and never again: with it the keys in `bi` stay the same, without it nobody can work out
-- whose they are.
select {{ sha256_of('cast(gen_random_uuid() as text) || cast(gen_random_uuid() as text)') }} as salt
{% if is_incremental() %}
where not exists (select 1 from {{ this }})
{% endif %}

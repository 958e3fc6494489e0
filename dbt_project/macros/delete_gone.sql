{% macro delete_gone(key, relation) -%}
    {#- Pre-hook of a mart that keeps its rows and writes only what changed: takes out those that the relation no longer has. -#}
    {%- if is_incremental() -%}
        delete from {{ this }} as kept
        where not exists (select 1 from {{ relation }} as there where there.{{ key }} = kept.{{ key }})
    {%- endif -%}
{%- endmacro %}

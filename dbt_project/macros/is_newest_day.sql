{% macro is_newest_day() -%}
    {#-
        Condition: no later day than the business date was built. Marts that show only the newest day, and may be empty on
        it, are left as they are when an older day is built.
    -#}
    {{ as_of_date() }} >= (select horizon.known_until from {{ ref('int_builds__horizon') }} as horizon)
{%- endmacro %}

{% macro delete_unless_older_day() -%}
    {#- Pre-hook of such a mart. -#}
    {%- if is_incremental() -%}
        delete from {{ this }} where {{ is_newest_day() }}
    {%- endif -%}
{%- endmacro %}

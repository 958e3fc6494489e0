{% macro is_known(changed_at) -%}
    {#- Whether a row that changed at this instant was known at K. Without K everything landed counts: true. -#}
    {%- if var('known_at') -%}
        {{ changed_at }} <= cast('{{ var("known_at") }}' as timestamp with time zone)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

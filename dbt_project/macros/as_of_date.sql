{% macro as_of_date() -%}
    {#- The business date of this build as a date literal. -#}
    {%- set as_of = var('as_of') -%}
    {%- if execute and not as_of -%}
        {{ exceptions.raise_compiler_error("the variable as_of is required: the business date, as YYYY-MM-DD") }}
    {%- endif -%}
    cast('{{ as_of or "1970-01-01" }}' as date)
{%- endmacro %}

{% macro in_force(relation, on=none) -%}
    {#- Whether a row with valid_from and valid_to (exclusive) holds on a day: the business date unless said. -#}
    {%- set day = on or as_of_date() -%}
    {{ relation }}.valid_from <= {{ day }} and ({{ relation }}.valid_to is null or {{ relation }}.valid_to > {{ day }})
{%- endmacro %}

{#- Arrays as schedules and payments are kept in: one row per loan instead of one per instalment. Positions from 1. -#}

{% macro ordered_array(value, order_by, condition=none) -%}
    {#- Aggregate: the values of a group in an order; null for an empty group. -#}
    array_agg({{ value }} order by {{ order_by }}){% if condition %} filter (where {{ condition }}){% endif %}
{%- endmacro %}

{% macro count_up_to(values, value) -%}
    {#- How many values of an ascending array are not above a value: the position of the last of them; 0 when none is. -#}
    {{ adapter.dispatch('count_up_to', 'arrears')(values, value) }}
{%- endmacro %}

{% macro default__count_up_to(values, value) -%}
    coalesce(width_bucket({{ value }}, {{ values }}), 0)
{%- endmacro %}

{% macro duckdb__count_up_to(values, value) -%}
    coalesce(len(list_filter({{ values }}, lambda each: each <= {{ value }})), 0)
{%- endmacro %}

{% macro array_size(values) -%}
    {{ adapter.dispatch('array_size', 'arrears')(values) }}
{%- endmacro %}

{% macro default__array_size(values) -%}
    coalesce(cardinality({{ values }}), 0)
{%- endmacro %}

{% macro duckdb__array_size(values) -%}
    coalesce(len({{ values }}), 0)
{%- endmacro %}

{% macro rows_of(values, column) -%}
    {#- The values of an array as rows of one column: a query, for use in a lateral join. -#}
    select unnest({{ values }}) as {{ column }}
{%- endmacro %}

{% macro positions_of(values) -%}
    {#- In a select list: a row for each position of an array. -#}
    {{ adapter.dispatch('positions_of', 'arrears')(values) }}
{%- endmacro %}

{% macro default__positions_of(values) -%}
    generate_subscripts({{ values }}, 1)
{%- endmacro %}

{% macro duckdb__positions_of(values) -%}
    unnest(range(1, len({{ values }}) + 1))
{%- endmacro %}

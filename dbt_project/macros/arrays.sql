{#- Arrays as schedules and payments are kept in: one row per loan instead of one per instalment. Positions from 1. -#}

{% macro ordered_array(value, order_by, condition=none) -%}
    {#- Aggregate: the values of a group in an order; null for an empty group. -#}
    {{ adapter.dispatch('ordered_array', 'arrears')(value, order_by, condition) }}
{%- endmacro %}

{% macro default__ordered_array(value, order_by, condition) -%}
    array_agg({{ value }} order by {{ order_by }}){% if condition %} filter (where {{ condition }}){% endif %}
{%- endmacro %}

{% macro ordered_text(value, order_by) -%}
    {#- Aggregate: the texts of a group in an order, with spaces between. -#}
    {{ adapter.dispatch('ordered_text', 'arrears')(value, order_by) }}
{%- endmacro %}

{% macro default__ordered_text(value, order_by) -%}
    string_agg({{ value }}, ' ' order by {{ order_by }})
{%- endmacro %}

{% macro texts(values=()) -%}
    {#- An array of texts: literals. -#}
    {{ adapter.dispatch('texts', 'arrears')(values) }}
{%- endmacro %}

{% macro default__texts(values) -%}
    cast(array[{% for value in values %}'{{ value }}'{{ ', ' if not loop.last }}{% endfor %}] as text[])
{%- endmacro %}

{% macro texts_where(conditions) -%}
    {#- An array of the texts whose condition holds, in the order of the pairs. -#}
    {%- set cases = [] -%}
    {%- for text, condition in conditions -%}
        {%- do cases.append("case when " ~ condition ~ " then '" ~ text ~ "' end") -%}
    {%- endfor -%}
    {{ array_without('array[' ~ cases | join(', ') ~ ']', 'null') }}
{%- endmacro %}

{% macro holds(values, value) -%}
    {#- Whether an array has a value. -#}
    {{ adapter.dispatch('holds', 'arrears')(values, value) }}
{%- endmacro %}

{% macro default__holds(values, value) -%}
    {{ value }} = any({{ values }})
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

{% macro array_without(values, value) -%}
    {#- The values of an array but one, which may be null, in their order. -#}
    {{ adapter.dispatch('array_without', 'arrears')(values, value) }}
{%- endmacro %}

{% macro default__array_without(values, value) -%}
    array_remove({{ values }}, {{ value }})
{%- endmacro %}

{% macro duckdb__array_without(values, value) -%}
    list_filter({{ values }}, lambda each: each is distinct from {{ value }})
{%- endmacro %}

{% macro json_array_size(value) -%}
    {{ adapter.dispatch('json_array_size', 'arrears')(value) }}
{%- endmacro %}

{% macro default__json_array_size(value) -%}
    json_array_length({{ value }})
{%- endmacro %}

{% macro postgres__json_array_size(value) -%}
    jsonb_array_length({{ value }})
{%- endmacro %}

{% macro rows_of(values, column) -%}
    {#- The values of an array as rows of one column: a query, for use in a lateral join. -#}
    {{ adapter.dispatch('rows_of', 'arrears')(values, column) }}
{%- endmacro %}

{% macro default__rows_of(values, column) -%}
    select unnest({{ values }}) as {{ column }}
{%- endmacro %}

{% macro positions_of(values, column) -%}
    {#- The positions of an array as rows of one column: a query, for use in a lateral join. -#}
    {{ adapter.dispatch('positions_of', 'arrears')(values, column) }}
{%- endmacro %}

{% macro default__positions_of(values, column) -%}
    (select generate_subscripts({{ values }}, 1) as {{ column }})
{%- endmacro %}

{% macro duckdb__positions_of(values, column) -%}
    (select unnest(range(1, len({{ values }}) + 1)) as {{ column }})
{%- endmacro %}

{% macro positions_between(first, last, column) -%}
    {#- The whole numbers from one to another as rows of one column: a query, for use in a lateral join. -#}
    {{ adapter.dispatch('positions_between', 'arrears')(first, last, column) }}
{%- endmacro %}

{% macro default__positions_between(first, last, column) -%}
    (select generate_series({{ first }}, {{ last }}) as {{ column }})
{%- endmacro %}

{% macro duckdb__positions_between(first, last, column) -%}
    (select unnest(range({{ first }}, {{ last }} + 1)) as {{ column }})
{%- endmacro %}

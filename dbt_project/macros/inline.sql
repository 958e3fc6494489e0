{% macro inline() -%}
    {#-
        Of a CTE that a query names more than once: `with x as {{ inline() }} (…)`. PostgreSQL writes such a query down as a
        whole, and reads what it wrote; inlined, each place reads of the table what it needs.
    -#}
    {{ adapter.dispatch('inline', 'arrears')() }}
{%- endmacro %}

{% macro default__inline() -%}{%- endmacro %}

{% macro postgres__inline() -%}
    not materialized
{%- endmacro %}

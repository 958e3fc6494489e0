{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {#-
        An incremental model writes what is new into a temporary table, and that into its own. One of many rows that says
        `meta={'in_one_step': true}` has a view in the place of the first, and so writes them once. For `append` alone: other
        strategies ask twice for what is new.
    -#}
    {%- if temporary and config.get('meta', {}).get('in_one_step') -%}
        create temporary view {{ relation }} as
        {{ sql }}
    {%- else -%}
        {{ dbt.postgres__create_table_as(temporary, relation, sql) }}
    {%- endif -%}
{%- endmacro %}

{#-
    What a test with the config `where` looks at. `business_date()` in it stands for the day of this build: tables that keep
    their days are tested where they changed.
-#}
{% macro default__get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where -%}
        (select * from {{ relation }} where {{ where | replace('business_date()', as_of_date()) }}) as changed
    {%- else -%}
        {{ return(relation) }}
    {%- endif -%}
{%- endmacro %}

{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- Schemas are a published interface: exactly the name that is configured, whoever runs it. -#}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}

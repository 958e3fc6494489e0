{% macro generate_schema_name(custom_schema_name, node) -%}
    {#-
        Schemas are a published interface: exactly the name that is configured, whoever runs it. Only a rebuild puts its
        prefix before it, and so has schemas of its own.
    -#}
    {{ schema_prefix() }}{{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}

{% macro schema_prefix() -%}
    {#- Before the name of every schema that is written: of a rebuild, and nothing otherwise. -#}
    {{ env_var('ARREARS_SCHEMA_PREFIX', '') }}
{%- endmacro %}

{% macro is_rebuild() -%}
    {#- Whether this run rebuilds a past day apart from what is published: it leaves no trace in the ledger. -#}
    {{ return(env_var('ARREARS_SCHEMA_PREFIX', '') != '') }}
{%- endmacro %}

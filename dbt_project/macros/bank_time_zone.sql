{% macro bank_time_zone() -%}
    {#- The bank's time zone: where a date ends when it is compared with an instant. -#}
    '{{ env_var("ARREARS_BANK_TIME_ZONE", "Asia/Shanghai") }}'
{%- endmacro %}

{% macro known_time_zones() -%}
    {#- The names of time zones, in `name`, as the database spells them: a relation. -#}
    {{ adapter.dispatch('known_time_zones', 'arrears')() }}
{%- endmacro %}

{% macro default__known_time_zones() -%}
    pg_timezone_names()
{%- endmacro %}

{% macro postgres__known_time_zones() -%}
    pg_catalog.pg_timezone_names
{%- endmacro %}

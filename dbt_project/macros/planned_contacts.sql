{% macro reporting_deadline() -%}
    {#- How long after the end of a list its vendor may still report what he did; a plan lapses then. -#}
    interval '{{ env_var("ARREARS_REPORTING_DEADLINE_HOURS", "48") }} hours'
{%- endmacro %}

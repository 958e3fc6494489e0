{% macro bank_time_zone() -%}
    {#- The bank's time zone: where a date ends when it is compared with an instant. -#}
    '{{ env_var("ARREARS_BANK_TIME_ZONE", "Asia/Shanghai") }}'
{%- endmacro %}

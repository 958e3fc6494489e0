{% macro knowledge_time() -%}
    {#-
        K as text, or none: everything that passed the landing gate counts. Like the business date it is read when SQL is
        made for a run, not when the project is parsed.
    -#}
    {{ return((env_var('ARREARS_KNOWN_AT', '') or var('known_at')) if execute else none) }}
{%- endmacro %}

{% macro is_known(changed_at) -%}
    {#- Whether a row that changed at this instant was known at K. Without K everything landed counts: true. -#}
    {%- if knowledge_time() -%}
        {{ changed_at }} <= cast('{{ knowledge_time() }}' as timestamp with time zone)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro knowledge_day() -%}
    {#- The day of K in the bank's time zone: a load of that business date has all that was recorded by K. -#}
    cast(cast('{{ knowledge_time() }}' as timestamp with time zone) at time zone {{ bank_time_zone() }} as date)
{%- endmacro %}

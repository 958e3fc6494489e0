{#- Regular expressions: POSIX, and no more of it than every engine knows. -#}

{% macro matches(value, pattern) -%}
    {{ adapter.dispatch('matches', 'arrears')(value, pattern) }}
{%- endmacro %}

{% macro default__matches(value, pattern) -%}
    {{ value }} ~ '{{ pattern }}'
{%- endmacro %}

{% macro without_matches(value, pattern) -%}
    {#- The text without anything that matches. -#}
    {{ adapter.dispatch('without_matches', 'arrears')(value, pattern) }}
{%- endmacro %}

{% macro default__without_matches(value, pattern) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '', 'g')
{%- endmacro %}

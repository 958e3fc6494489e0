{% macro as_of_date() -%}
    {#-
        The business date of this build as a date literal. It comes from the environment and is read when SQL is made for
        a run, not when the project is parsed: another day is no reason to parse everything again.
    -#}
    {%- set as_of = (env_var('ARREARS_AS_OF', '') or var('as_of')) if execute else none -%}
    {%- if execute and not as_of -%}
        {{ exceptions.raise_compiler_error("ARREARS_AS_OF is required: the business date, as YYYY-MM-DD") }}
    {%- endif -%}
    cast('{{ as_of or "1970-01-01" }}' as date)
{%- endmacro %}

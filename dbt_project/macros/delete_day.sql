{% macro delete_day() -%}
    {#-
        Pre-hook of a mart keyed by as_of that appends: takes out this business date's rows, so that a day that is built
        again replaces what it had, even by nothing.
    -#}
    {%- if is_incremental() -%}
        delete from {{ this }} where as_of = {{ as_of_date() }}
    {%- endif -%}
{%- endmacro %}

{% macro month_of(day) -%}
    {#- A month is named by its first day. -#}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}

{% macro month_end_of(day) -%}
    {#- The last day of the month that holds the day. -#}
    ({{ add_months(month_of(day), 1) }} - 1)
{%- endmacro %}

{% macro months_from(first, last, column) -%}
    {#- The months from that of one date to that of another, as rows of one column: a query, for use in a lateral join. -#}
    {{ adapter.dispatch('months_from', 'arrears')(first, last, column) }}
{%- endmacro %}

{% macro default__months_from(first, last, column) -%}
    (
        select cast(series.instant as date) as {{ column }}
        from generate_series(
            date_trunc('month', cast({{ first }} as timestamp)), cast({{ last }} as timestamp), interval '1 month'
        ) as series (instant)
    )
{%- endmacro %}

{% macro months_between(first, last) -%}
    {#- How many calendar months lie between the months of two dates. -#}
    cast(
        12 * (extract(year from {{ last }}) - extract(year from {{ first }}))
        + extract(month from {{ last }}) - extract(month from {{ first }})
        as integer
    )
{%- endmacro %}

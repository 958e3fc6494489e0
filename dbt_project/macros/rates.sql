{% macro arrears_band(days) -%}
    {#- Thirty-day steps for comparing equal cases: 0, then 1 for 1 to 30 days, up to 7 for more than 180. -#}
    least(7, ceil({{ days }} / 30.0))
{%- endmacro %}

{% macro rate(part, whole, digits=6) -%}
    {#-
        A rate as a fraction; null where there is nothing to divide by. Engines that divide in binary have what was lost
        rounded off before the digits are.
    -#}
    cast(
        round(
            cast(cast({{ part }} as numeric(24, 6)) / nullif({{ whole }}, 0) as numeric(30, 15)), {{ digits }}
        ) as numeric(18, {{ digits }})
    )
{%- endmacro %}

{% macro minimum_cases() -%}
    {#- Fewer cases than this are no comparison: they join a coarser group. -#}
    20
{%- endmacro %}

{% macro recovery_index(bound=0) -%}
    {#-
        Recovered over expected of the groups in a query over int_collectors__case, as a ratio, or an end of its 95 %
        interval (bound -1 or 1): how far chance alone would carry it, from the spread within the comparison groups.
    -#}
    {%- set index = 'sum(amount_recovered) / nullif(sum(expected_recovery), 0)' -%}
    {%- if bound == 0 -%}
        cast(round({{ index }}, 6) as numeric(18, 6))
    {%- else -%}
        {#-
            No interval where nothing was expected, nor where a case had nobody to be compared with (its variance is
            unknown); greatest() would pass over the null and claim an interval of nothing.
        -#}
        cast(
            case
                when sum(expected_recovery) <> 0 and count(*) = count(recovery_variance)
                    then round(
                        greatest(
                            0, {{ index }} + {{ bound }} * 1.96 * sqrt(sum(recovery_variance)) / sum(expected_recovery)
                        ),
                        6
                    )
            end as numeric(18, 6)
        )
    {%- endif -%}
{%- endmacro %}

{% macro limit_reaches() -%}
    {#-
        How far limits on contacts reach: the channel itself, its medium, all channels; each per loan of the row, or for the
        customer as a whole. From the narrowest to the widest.
    -#}
    {{ return(['own_of_loan', 'medium_of_loan', 'all_of_loan', 'own', 'medium', 'all']) }}
{%- endmacro %}

{% macro least_left(relation, period) -%}
    {#- Attempts that the tightest limit leaves, on the `day` or in a longer `period`. -#}
    least(
        {%- for reach in limit_reaches() %}{{ relation }}.{{ period }}_{{ reach }}{{ ', ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}

{% macro earlier_rows(reach) -%}
    {#- The rows of a customer that take from the same limits before a row does: a window of permitted rows. -#}
    {%- set shared = {'own': 'channel', 'medium': 'medium'}.get(reach.split('_')[0]) -%}
    partition by customer_id
    {%- if reach.endswith('_of_loan') %}, currency{% endif %}
    {%- if shared %}, {{ shared }}{% endif %}
    order by step asc, channel_position asc, expected_value desc, currency asc
    rows between unbounded preceding and 1 preceding
{%- endmacro %}

{% macro limit_reaches() -%}
    {#-
        How far limits on contacts reach: the channel itself, its medium, all channels; each per loan of the row, or for the
        customer as a whole. From the narrowest to the widest.
    -#}
    {{ return(['own_of_loan', 'medium_of_loan', 'all_of_loan', 'own', 'medium', 'all']) }}
{%- endmacro %}

{% macro for_each_limit(expression) -%}
    {#-
        An expression for each limit, with a comma between: @limit stands for its name (`day_own`), @reach for how far it
        reaches, and @is_daily for whether it is one of the day.
    -#}
    {%- set expressions = [] -%}
    {%- for reach in limit_reaches() -%}
        {%- for period, is_daily in (('day', 'is_daily'), ('period', 'not is_daily')) -%}
            {%- set named = expression.replace('@limit', period ~ '_' ~ reach) -%}
            {%- do expressions.append(named.replace('@reach', reach).replace('@is_daily', is_daily)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ expressions | join(',\n        ') }}
{%- endmacro %}

{% macro least_left(relation, period) -%}
    {#- Attempts that the tightest limit leaves, on the `day` or in a longer `period`: of columns with that beginning. -#}
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

{% macro granted_by_level(relation) -%}
    {#-
        What the rows of a relation get, as the query of one column more, `attempts`. Limits nest: those of a channel lie
        inside those of its medium, and these inside those of all channels. At each level the rows take from what is left in
        order of their step, and pass on what they got.
    -#}
    {%- set from = namespace(query='select *, planned_attempts as granted_0 from ' ~ relation) -%}
    {%- for reach in limit_reaches() -%}
        {%- set before = 'granted_' ~ (loop.index - 1) -%}
        {%- set taken = 'coalesce(sum(' ~ before ~ ') over earlier, 0)' -%}
        {%- set left = 'least(' ~ before ~ ', day_' ~ reach ~ ' - ' ~ taken ~ ', period_' ~ reach ~ ' - ' ~ taken ~ ')' -%}
        {%- set from.query -%}
            select
                *,
                greatest(0, {{ left }}) as {{ 'attempts' if loop.last else 'granted_' ~ loop.index }}
            from ({{ from.query }}) as {{ reach }}_before
            window earlier as ({{ earlier_rows(reach) }})
        {%- endset -%}
    {%- endfor -%}
    {{ from.query }}
{%- endmacro %}

{% macro left_after(relation) -%}
    {#- The rows of a relation with what each limit leaves (`left_day_own` …) when the rows before have their `attempts`. -#}
    select
        *,
        {{ for_each_limit('@limit - coalesce(sum(attempts) over earlier_@reach, 0) as left_@limit') }}
    from {{ relation }}
    window
        {%- for reach in limit_reaches() %}
        earlier_{{ reach }} as ({{ earlier_rows(reach) }}){{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

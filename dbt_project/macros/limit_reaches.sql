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

{% macro least_left(relation, period, taken=none) -%}
    {#-
        Attempts that the tightest limit leaves, on the `day` or in a longer `period`: of columns with that beginning, less
        what the columns of another relation, `taken_own` and so on, say that is gone.
    -#}
    least(
        {%- for reach in limit_reaches() -%}
            {{ relation }}.{{ period }}_{{ reach }}{% if taken %} - {{ taken }}.taken_{{ reach }}{% endif %}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{% macro taken_before(earlier, own) -%}
    {#-
        What the earlier rows of a customer took, by how far the limits of a row of its own reach: a query of one row, for a
        lateral join. `earlier` has the arrays `channels`, `mediums`, `currencies` and `granted`, all of one length.
    -#}
    select
        {%- for reach in limit_reaches() %}
        {%- set compared = [
            {'own': ('channels', 'channel'), 'medium': ('mediums', 'medium')}.get(reach.split('_')[0]),
            ('currencies', 'currency') if reach.endswith('_of_loan'),
        ] | select | list %}
        coalesce(sum({{ earlier }}.granted[place])
        {%- for array, column in compared %}
            {{- ' filter (where ' if loop.first else ' and ' }}{{ earlier }}.{{ array }}[place] = {{ own }}.{{ column }}
            {{- ')' if loop.last }}
        {%- endfor %}, 0) as taken_{{ reach }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ positions_of(earlier ~ '.granted', 'place') }} as places
{%- endmacro %}

{% macro granted_in_turn(relation) -%}
    {#-
        The attempts of each row of a relation, and what the limits leave it: `customer_id`, `turn`, `attempts`, `left_day`,
        `left_period`. A customer's rows take one after the other, each from what those before it were granted: limits
        overlap (of a channel, of a loan), so what is cut short by one must not count against another. The query reads
        itself: its CTE is called `in_turn`, as `with recursive` has it.
    -#}
    select
        {{ relation }}.customer_id,
        {{ relation }}.turn,
        cast({{ least_left(relation, 'day') }} as integer) as left_day,
        cast({{ least_left(relation, 'period') }} as integer) as left_period,
        {{ _granted(relation) }} as attempts,
        array[{{ relation }}.channel] as channels,
        array[{{ relation }}.medium] as mediums,
        array[{{ relation }}.currency] as currencies,
        array[{{ _granted(relation) }}] as granted
    from {{ relation }}
    where {{ relation }}.turn = 1
    union all
    select
        {{ relation }}.customer_id,
        {{ relation }}.turn,
        cast({{ least_left(relation, 'day', 'taken') }} as integer),
        cast({{ least_left(relation, 'period', 'taken') }} as integer),
        {{ _granted(relation, 'taken') }},
        array_append(in_turn.channels, {{ relation }}.channel),
        array_append(in_turn.mediums, {{ relation }}.medium),
        array_append(in_turn.currencies, {{ relation }}.currency),
        array_append(in_turn.granted, {{ _granted(relation, 'taken') }})
    from in_turn
    inner join {{ relation }}
        on
            in_turn.customer_id = {{ relation }}.customer_id
            and in_turn.turn + 1 = {{ relation }}.turn
    cross join lateral ({{ taken_before('in_turn', relation) }}) as taken
{%- endmacro %}

{% macro _granted(relation, taken=none) -%}
    cast(greatest(
        0,
        least(
            {{ relation }}.planned_attempts,
            {{ least_left(relation, 'day', taken) }},
            {{ least_left(relation, 'period', taken) }}
        )
    ) as integer)
{%- endmacro %}

{% macro count_steps(source, steps, grain) -%}
    {#-
        How many rows of a CTE reach each step of a funnel, by channel and vendor, and over all channels: CTEs of which the
        last is called as the first with `_counted`. Over all channels a customer counts once, and what he owes; what he
        promised and paid is the sum. Each row is read twice, whatever the number of steps.
    -#}
{{ source }}_by_channel as (
    select
        {{ grain }},
        channel,
        vendor,
        {% for step, is_reached, amount, how in steps -%}
        count(*) filter (where {{ is_reached }}) as {{ step }}_cases,
        sum({{ amount }}) filter (where {{ is_reached }}) as {{ step }}_amount{{ ',' if not loop.last }}
        {% endfor %}
    from {{ source }}
    group by {{ grain }}, channel, vendor
),

{{ source }}_by_customer as (
    select
        {{ grain }},
        {% for step, is_reached, amount, how in steps -%}
        bool_or({{ is_reached }}) as is_{{ step }},
        {{ how }}({{ amount }}) filter (where {{ is_reached }}) as {{ step }}_amount{{ ',' if not loop.last }}
        {% endfor %}
    from {{ source }}
    group by {{ grain }}, customer_id
),

{{ source }}_counted as (
    select * from {{ source }}_by_channel
    union all
    select
        {{ grain }},
        'all' as channel,
        'all' as vendor,
        {% for step, is_reached, amount, how in steps -%}
        count(*) filter (where is_{{ step }}) as {{ step }}_cases,
        sum({{ step }}_amount) as {{ step }}_amount{{ ',' if not loop.last }}
        {% endfor %}
    from {{ source }}_by_customer
    group by {{ grain }}
)
{%- endmacro %}

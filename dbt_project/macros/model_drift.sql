{% macro population_share(observed, expected) -%}
    {#- A term of the population stability index. A share of nothing counts as one in ten thousand, so that it has a logarithm. -#}
    (greatest({{ observed }}, 0.0001) - greatest({{ expected }}, 0.0001))
    * ln(greatest({{ observed }}, 0.0001) / greatest({{ expected }}, 0.0001))
{%- endmacro %}

{% macro looked_at() -%}
    {#- How many loans the drift of a day is worked out from, at most: a share of them that is the same on every machine. -#}
    50000
{%- endmacro %}

{% macro features_as_rows(rows) -%}
    {#- One row per row of a CTE and feature: a query. -#}
    {%- set names = risk_features_of_contract() -%}
    select
        {{ rows }}.population as purpose,
        {{ rows }}.loan_id,
        named.feature,
        named.value
    from {{ rows }}
    cross join lateral (
        values
        {% for name in names or ['none'] -%}
        ('{{ name }}', {{ rows ~ '.' ~ name if names else 'cast(null as double precision)' }}){{ ',' if not loop.last }}
        {% endfor %}
    ) as named (feature, value)
{%- endmacro %}

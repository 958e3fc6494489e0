{% macro first_of_each(relation, key, order_by) -%}
    {#- The first row of each key, in an order that leaves no doubt: a query. It may have a column more than the relation. -#}
    {{ adapter.dispatch('first_of_each', 'arrears')(relation, key, order_by) }}
{%- endmacro %}

{% macro default__first_of_each(relation, key, order_by) -%}
    select *
    from (
        select
            {{ relation }}.*,
            row_number() over (partition by {{ key }} order by {{ order_by }}) as _place
        from {{ relation }}
    ) as placed
    where _place = 1
{%- endmacro %}

{% macro postgres__first_of_each(relation, key, order_by) -%}
    select distinct on ({{ key }}) *
    from {{ relation }}
    order by {{ key }}, {{ order_by }}
{%- endmacro %}

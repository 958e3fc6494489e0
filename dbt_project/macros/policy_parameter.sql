{% macro policy_parameter(name, type='text') -%}
    {#-
        What the packs in force on the business date say by a parameter of their contact rules (`name=value`), in a column of
        that name. A name belongs to one reason, or to flags; `arrears policy check` sees to it. A query; use it as a CTE.
    -#}
    select
        rules.jurisdiction as policy_id,
        rules.reason_code,
        rules.applies_to_channel,
        cast(split_part(rules.parameter, '=', 2) as {{ type }}) as {{ name }}
    from {{ ref('contact_rules') }} as rules
    where
        split_part(rules.parameter, '=', 1) = '{{ name }}'
        and {{ in_force('rules') }}
{%- endmacro %}

{% macro binding_rules() -%}
    {#-
        Which channels a reason closes by the packs in force on the business date (null: all), and for how many days (null:
        until it is lifted). A query; use it as a CTE.
    -#}
    select
        rules.jurisdiction as policy_id,
        rules.reason_code,
        rules.applies_to_channel,
        case when rules.blocks_until <> 'lifted' then cast(rules.blocks_until as integer) end as blocks_days
    from {{ ref('contact_rules') }} as rules
    where {{ in_force('rules') }}
{%- endmacro %}

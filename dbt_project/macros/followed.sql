{% macro is_followed(as_of) -%}
    {#-
        Condition: what followed from the lists of this day may still change. A conversation is credited for
        `attribution_days` with what is paid after it, and may come days after the list; what is older stays as it is.
    -#}
    (
        {{ as_of }} = {{ as_of_date() }}
        or {{ as_of }} > (select horizon.known_until from {{ ref('int_builds__horizon') }} as horizon)
        - ({{ attribution_days() }} + 30)
    )
{%- endmacro %}

{% macro delete_followed() -%}
    {#- Pre-hook of `treatment_funnel`: of the business date all steps, of the other days the steps after the decision. -#}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where
            as_of = {{ as_of_date() }}
            or (position > 2 and {{ is_followed('as_of') }})
    {%- endif -%}
{%- endmacro %}

{% macro no_newer_day() -%}
    {#-
        Condition: the model holds no later day than the business date. A day beyond the horizon does not count: its build
        failed after it had written, and would keep every later day out until it is built again.
    -#}
    not exists (
        select 1
        from {{ this }} as newer
        cross join {{ ref('int_builds__horizon') }} as horizon
        where
            newer.as_of > {{ as_of_date() }}
            and newer.as_of <= horizon.known_until
    )
{%- endmacro %}

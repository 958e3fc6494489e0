{% macro due_up_to(schedule, day) -%}
    {#- What is due in all by a day. `schedule` is the alias of a row of int_schedule_versions__due. -#}
    coalesce({{ schedule }}.cumulative_due[{{ count_up_to(schedule ~ '.due_on', day) }}], 0)
{%- endmacro %}

{% macro due_between(schedule, first, end) -%}
    {#- What falls due from one day on and before another. -#}
    {{ due_up_to(schedule, '(' ~ end ~ ' - 1)') }} - {{ due_up_to(schedule, '(' ~ first ~ ' - 1)') }}
{%- endmacro %}

{% macro next_due_date_on(history, on_day) -%}
    {#- Smallest due date from a day on of an instalment not fully paid: one that counts on its due date is due that day. -#}
    case when {{ history }}.newest_counted_due_on = {{ on_day }} then {{ on_day }} else {{ history }}.next_due_on end
{%- endmacro %}

{% macro paused_days(pauses, oldest_due_on, on_day) -%}
    {#- The days of one pause that lie between the oldest unpaid due date and a day, that day not included. -#}
    greatest(0, least({{ pauses }}.ends_on, {{ on_day }}) - greatest({{ pauses }}.starts_on, {{ oldest_due_on }}))
{%- endmacro %}

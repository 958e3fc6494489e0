{% macro first_day_past_due(oldest_due_on, counted_from, days, day_count) -%}
    {#-
        The first day on which the macro days_past_due gives at least so many days (two or more) for an instalment that
        stays unpaid: its inverse. By 30/360 the days add up to `reach` in a month of thirty days; the 31st of the month
        before has reached the next month's first day already, and a day that February lacks is the 1st of March.
    -#}
    {%- set counted = '(' ~ days ~ ' - case when ' ~ counted_from ~ ' = ' ~ oldest_due_on ~ ' then 1 else 0 end)' -%}
    {%- set due_day = 'cast(extract(day from ' ~ oldest_due_on ~ ') as integer)' -%}
    {%- set reach = '(' ~ counted ~ ' + least(' ~ due_day ~ ', 30))' -%}
    {%- set months = 'cast(floor((' ~ reach ~ ' - 1) / 30.0) as integer)' -%}
    {%- set first = add_months(month_of(oldest_due_on), months) -%}
    case
        when {{ day_count }} <> '30/360' then {{ oldest_due_on }} + {{ counted }}
        when
            {{ reach }} = 30 * {{ months }} + 1
            and {{ due_day }} < 30
            and extract(day from {{ first }} - 1) = 31
            then {{ first }} - 1
        else least(
            {{ first }} + ({{ reach }} - 30 * {{ months }} - 1),
            {{ add_months(month_of(oldest_due_on), months ~ ' + 1') }}
        )
    end
{%- endmacro %}

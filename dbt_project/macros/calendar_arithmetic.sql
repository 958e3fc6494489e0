{% macro far_future() -%}
    {#- The end of what is open, where an interval must compare. -#}
    cast('9999-12-31' as date)
{%- endmacro %}

{% macro add_months(day, months) -%}
    {#- The same day so many months later, or the last day of that month. -#}
    {{ adapter.dispatch('add_months', 'arrears')(day, months) }}
{%- endmacro %}

{% macro default__add_months(day, months) -%}
    cast({{ day }} + ({{ months }}) * interval '1 month' as date)
{%- endmacro %}

{% macro weekday_of(day) -%}
    {#- In three small letters, as the seeds name them: mon to sun. -#}
    case extract(isodow from {{ day }})
        {% for name in ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] -%}
        when {{ loop.index }} then '{{ name }}'
        {% endfor -%}
    end
{%- endmacro %}

{% macro days_30_360(from_day, to_day) -%}
    {#- Days from one date to another by 30/360, bond basis. -#}
    (
        360 * cast(extract(year from {{ to_day }}) - extract(year from {{ from_day }}) as integer)
        + 30 * cast(extract(month from {{ to_day }}) - extract(month from {{ from_day }}) as integer)
        + case
            when extract(day from {{ from_day }}) >= 30 then least(cast(extract(day from {{ to_day }}) as integer), 30)
            else cast(extract(day from {{ to_day }}) as integer)
        end
        - least(cast(extract(day from {{ from_day }}) as integer), 30)
    )
{%- endmacro %}

{% macro days_past_due(oldest_due_on, counted_from, on_day, day_count) -%}
    {#-
        Contractual days past due on a day; 0 where no instalment is overdue. At least 1 where one is, whatever the day
        count makes of it; 1 more where the due date itself is the first counted day (counted_from = oldest_due_on).
    -#}
    case
        when {{ oldest_due_on }} is null then 0
        else greatest(
            1,
            case
                when {{ day_count }} = '30/360' then {{ days_30_360(oldest_due_on, on_day) }}
                else {{ on_day }} - {{ oldest_due_on }}
            end
            + case when {{ counted_from }} = {{ oldest_due_on }} then 1 else 0 end
        )
    end
{%- endmacro %}

{% macro fewest_customers() -%}
    {#- A group of fewer customers is not shown by itself: somebody who knows one of them would learn of him. -#}
    30
{%- endmacro %}

{% macro age_band(date_of_birth, day) -%}
    {#- Ten-year bands of the age on a day. -#}
    {%- set age = "cast(floor((" ~ day ~ " - " ~ date_of_birth ~ ") / 365.25) as integer)" -%}
    case
        when {{ date_of_birth }} is null then 'unknown'
        when {{ age }} < 25 then '18-24'
        {%- for first in [25, 35, 45, 55] %}
        when {{ age }} < {{ first + 10 }} then '{{ first }}-{{ first + 9 }}'
        {%- endfor %}
        else '65+'
    end
{%- endmacro %}

{% macro months_to_report() -%}
    {#- First day of the months that `fairness_monthly` does not have yet. A month is reported once, when it has ended. -#}
    {%- if is_incremental() -%}
        (select coalesce(max({{ add_months('reported.month', 1) }}), cast('1900-01-01' as date)) from {{ this }} as reported)
    {%- else -%}
        cast('1900-01-01' as date)
    {%- endif -%}
{%- endmacro %}

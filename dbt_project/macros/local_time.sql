{#-
    A local time of a day as an instant. On the day on which clocks change a local time may happen twice or not at all;
    databases then answer differently. Each candidate is the local time with the offset of the day before or after, and
    counts when it reads as that local time there.
-#}

{% macro opening_instant(local, zone) -%}
    {#- From when on it is surely not before this local time: the later of the two where there is a choice. -#}
    {{ _instant(local, zone, 'greatest') }}
{%- endmacro %}

{% macro closing_instant(local, zone) -%}
    {#- Until when it is surely not after this local time: the earlier of the two where there is a choice. -#}
    {{ _instant(local, zone, 'least') }}
{%- endmacro %}

{% macro _instant(local, zone, choice) -%}
    {%- set day = "interval '24 hours'" -%}
    {%- set by_day_before -%} (({{ local }} - {{ day }}) at time zone {{ zone }} + {{ day }}) {%- endset -%}
    {%- set by_day_after -%} (({{ local }} + {{ day }}) at time zone {{ zone }} - {{ day }}) {%- endset -%}
    case
        when {{ by_day_before }} = {{ by_day_after }} then {{ by_day_before }}
        when {{ by_day_before }} at time zone {{ zone }} = {{ local }}
            and {{ by_day_after }} at time zone {{ zone }} <> {{ local }} then {{ by_day_before }}
        when {{ by_day_after }} at time zone {{ zone }} = {{ local }}
            and {{ by_day_before }} at time zone {{ zone }} <> {{ local }} then {{ by_day_after }}
        else {{ choice }}({{ by_day_before }}, {{ by_day_after }})
    end
{%- endmacro %}

{% macro contact_value(kind, value) -%}
    {#- A contact point as it is compared and sent: telephone numbers without the signs that people write between digits. -#}
    case
        when {{ kind }} in ('mobile', 'landline') then {{ without_matches(value, '[^0-9+]') }}
        else {{ value }}
    end
{%- endmacro %}

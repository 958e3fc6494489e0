{% macro contact_value(kind, value) -%}
    {#- A contact point as it is compared and sent: telephone numbers without the signs that people write between digits. -#}
    case
        when {{ kind }} in ('mobile', 'landline') then regexp_replace({{ value }}, '[^0-9+]', '', 'g')
        else {{ value }}
    end
{%- endmacro %}

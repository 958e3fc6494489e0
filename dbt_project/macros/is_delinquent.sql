{% macro is_delinquent(state, days_past_due) -%}
    {#- Whether a loan in a state at a month's end is behind and may still be cured. A pause does not cure: contractual days. -#}
    ({{ days_past_due }} > 0 and {{ state }} not in ('new', 'closed', 'written_off'))
{%- endmacro %}

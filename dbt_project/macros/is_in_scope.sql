{% macro is_in_scope(loans) -%}
    {#- Whether a loan brings its customer into scope: in arrears, due within the reminder days, or written off. -#}
    ({{ loans }}.arrears_amount > 0 or {{ loans }}.tier = 'pre_due' or {{ loans }}.is_written_off)
{%- endmacro %}

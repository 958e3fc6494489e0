{% macro is_in_scope(loans, warned) -%}
    {#-
        Whether a loan brings its customer into scope: in arrears, due within the reminder days, written off, or one of which
        early warning warns (its row of int_loans__warned, if it has one).
    -#}
    ({{ loans }}.arrears_amount > 0 or {{ loans }}.tier = 'pre_due' or {{ loans }}.is_written_off
        or {{ warned }}.loan_id is not null)
{%- endmacro %}

{#-
    Where a loan stands on a day, as arithmetic on its schedule and payments (a row of int_loans__schedule): the one
    place that turns money into what is paid, due and overdue. Each macro is the select list of one step; a step needs
    the columns of the ones before it. `loan` is the alias of the schedule, `day` an expression.
-#}

{% macro money_on(loan, day) -%}
    {#- What is paid and how many instalments are counted as due. -#}
    greatest(0, coalesce({{ loan }}.paid_totals[{{ count_up_to(loan ~ '.paid_from', day) }}], 0)) as paid_total,
    {{ count_up_to(loan ~ '.counted_from', day) }} as counted,
    {{ count_up_to(loan ~ '.rules_from', day) }} as rule
{%- endmacro %}

{% macro settled_by(loan) -%}
    {#- How many instalments the money pays in full, and how many up to the tolerance. FIFO: oldest due first. -#}
    {{ count_up_to(loan ~ '.cumulative_due', 'paid_total') }} as settled,
    {{ count_up_to(loan ~ '.cumulative_due', 'paid_total + ' ~ loan ~ '.tolerances[rule]') }} as tolerated
{%- endmacro %}

{% macro owed(loan) -%}
    {#-
        Arrears and principal. Within the first instalment that is not settled, money pays fee and interest before
        principal: only what exceeds them reduces what is outstanding.
    -#}
    greatest(0, coalesce({{ loan }}.cumulative_due[counted], 0) - paid_total) as arrears_amount,
    greatest(0, counted - settled) as unpaid_instalments,
    coalesce(
        {{ loan }}.cumulative_principal[{{ array_size(loan ~ '.cumulative_principal') }}]
        - greatest(
            coalesce({{ loan }}.cumulative_principal[settled], 0),
            {{ loan }}.cumulative_principal[settled + 1] - {{ loan }}.cumulative_due[settled + 1] + paid_total
        ),
        0
    ) as outstanding_principal
{%- endmacro %}

{% macro overdue(loan) -%}
    {#- Dates of what is overdue and of what comes next, and whether the arrears exceed both materiality limits. -#}
    case when tolerated < counted then {{ loan }}.due_on[tolerated + 1] end as oldest_unpaid_due_date,
    case when tolerated < counted then {{ loan }}.due_dates[tolerated + 1] end as oldest_unpaid_contractual_date,
    case when tolerated < counted then {{ loan }}.counted_from[tolerated + 1] end as oldest_unpaid_counted_from,
    case when settled < counted then {{ loan }}.due_on[counted] end as newest_counted_due_on,
    {{ loan }}.due_on[greatest(settled, counted) + 1] as next_due_on,
    coalesce({{ loan }}.limits_absolute[rule], {{ loan }}.limits_share[rule]) is not null as has_materiality_limits,
    arrears_amount > coalesce({{ loan }}.limits_absolute[rule], 0)
    and arrears_amount > coalesce({{ loan }}.limits_share[rule], 0) * outstanding_principal as is_material
{%- endmacro %}

{#-
    Repayment in equal monthly instalments. Amounts are whole numbers of the currency's smallest unit (cents), rates are
    yearly fractions. `arrears.domain.amortisation` says the same in Python; a test holds the two against each other.
-#}

{% macro level_instalment(principal, annual_rate, factor, instalments) -%}
    {#- The instalment that repays a principal, rounded half up; factor is the annuity_factor of rate and instalments. -#}
    case
        when {{ annual_rate }} = 0 then round({{ principal }} / cast({{ instalments }} as numeric(18, 0)))
        else round({{ principal }} * {{ factor }})
    end
{%- endmacro %}

{% macro annuity_factor(annual_rate, instalments) -%}
    {#- The part of a principal that each of so many instalments is, for a rate above 0. -#}
    {{ adapter.dispatch('annuity_factor', 'arrears')(annual_rate, instalments) }}
{%- endmacro %}

{% macro default__annuity_factor(annual_rate, instalments) -%}
    cast({{ annual_rate }} as double precision) / 12
    / (1 - power(1 + cast({{ annual_rate }} as double precision) / 12, -{{ instalments }}))
{%- endmacro %}

{% macro postgres__annuity_factor(annual_rate, instalments) -%}
    {#- To forty digits: whatever the amount, it is the same cent as in exact arithmetic. -#}
    cast({{ annual_rate }} as numeric(60, 40)) / 12
    / (1 - power(1 + cast({{ annual_rate }} as numeric(60, 40)) / 12, cast(-{{ instalments }} as numeric)))
{%- endmacro %}

{% macro monthly_interest(balance, annual_rate) -%}
    {#- Interest of one month on a balance, rounded half even. -#}
    round({{ balance }} * {{ annual_rate }} / 12)
    - case
        when {{ balance }} * {{ annual_rate }} - 12 * floor({{ balance }} * {{ annual_rate }} / 12) = 6
            then mod(cast(round({{ balance }} * {{ annual_rate }} / 12) as bigint), 2)
        else 0
    end
{%- endmacro %}

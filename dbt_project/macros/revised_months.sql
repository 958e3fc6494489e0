{% macro delete_unreached_months() -%}
    {#-
        Pre-hook of int_loans__month_end: a build that failed may have reached further than this one, and nobody knows yet
        what its last months will be.
    -#}
    {%- if is_incremental() -%}
        delete from {{ this }} where month_end > (select max(known_until) from {{ ref('int_builds__horizon') }})
    {%- endif -%}
{%- endmacro %}

{% macro delete_revised_months() -%}
    {#-
        Pre-hook of what is summed up by month and appends: takes out the months in which a loan's row has changed since they
        were summed up, and those that are not reached any more. What the table lacks then, it builds.
    -#}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where (month, revision) not in (
            select
                months.month,
                months.revision
            from {{ ref('int_portfolio__months') }} as months
        )
    {%- endif -%}
{%- endmacro %}

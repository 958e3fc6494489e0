{% macro delete_changed_loans() -%}
    {#-
        Pre-hook of dim_loan, which then writes the loans that it lacks: takes out those of which something landed since.
        Each row says up to which batch it is known, so a build that was killed leaves nothing out.
    -#}
    {%- if is_incremental() -%}
        {%- set known = '(select coalesce(max(known.known_to_batch), 0) from ' ~ this ~ ' as known)' -%}
        delete from {{ this }}
        where loan_id in (
            select loans.loan_id
            from {{ source('landing', 'loans') }} as loans
            where loans._batch_id > {{ known }}
            union distinct
            select schedule.loan_id
            from {{ source('landing', 'repayment_schedule') }} as schedule
            where schedule._batch_id > {{ known }}
            union distinct
            select terms.loan_id
            from {{ source('landing', 'customers') }} as customers
            inner join {{ ref('int_loans__terms') }} as terms on customers.customer_id = terms.customer_id
            where customers._batch_id > {{ known }}
        )
    {%- endif -%}
{%- endmacro %}

{% macro delete_changed_customers() -%}
    {#- The same for what is kept per customer. -#}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where customer_id in (
            select customers.customer_id
            from {{ source('landing', 'customers') }} as customers
            where customers._batch_id > (select coalesce(max(known.known_to_batch), 0) from {{ this }} as known)
        )
    {%- endif -%}
{%- endmacro %}

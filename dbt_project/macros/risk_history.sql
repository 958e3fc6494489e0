{% macro features_version() -%}
    {#- A fingerprint of the query of the features: rows that another one made are made anew. -#}
    {{ return(local_md5(risk_features('')) if execute else '') }}
{%- endmacro %}

{% macro delete_other_features() -%}
    {#- Pre-hook of int_loans__risk_history: takes out rows of features that have since been defined otherwise. -#}
    {%- if is_incremental() and 'features_version' in (adapter.get_columns_in_relation(this) | map(attribute='name')) -%}
        {#- Two ranges of the index, and not a scan for what is hardly ever there. -#}
        delete from {{ this }}
        where features_version < '{{ features_version() }}' or features_version > '{{ features_version() }}'
    {%- endif -%}
{%- endmacro %}

{% macro observed_loans() -%}
    {#-
        Open loans at the month ends that int_loans__risk_history lacks, the newest ones: a query. Of a large book a share
        that is the same on every machine, by customer, so that all loans of one are there.
    -#}
    with months as (
        select month_end
        from {{ ref('int_calendar__month_ends') }} as month_ends
        where
            month_end <= {{ as_of_date() }}
            and month_end > {{ add_months(as_of_date(), '-' ~ var('risk_history_months')) }}
            {% if is_incremental() -%}
            and not exists (select 1 from {{ this }} as kept where kept.as_of_date = month_ends.month_end)
            {%- endif %}
    ),

    open_loans as (
        select
            loan_id,
            month_end,
            count(*) over (partition by month_end) as loans
        from {{ ref('int_loans__month_end') }}
        where
            month_end in (select months.month_end from months)
            and state not in ('closed', 'written_off')
    )

    select
        open_loans.loan_id,
        open_loans.month_end as as_of_date
    from open_loans
    inner join {{ ref('int_loans__terms') }} as terms
        on open_loans.loan_id = terms.loan_id
    where {{ share_of('terms.customer_id') }} * open_loans.loans < {{ var('risk_history_loans') }}
{%- endmacro %}

{% macro delete_unobserved() -%}
    {#- Pre-hook of int_loans__risk_outcome: an outcome goes with the observation, or where that is another one now. -#}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where
            not exists (
                select 1
                from {{ ref('int_loans__risk_history') }} as observed
                where
                    observed.loan_id = {{ this }}.loan_id
                    and observed.as_of_date = {{ this }}.as_of_date
                    and observed.population = {{ this }}.purpose
            )
    {%- endif -%}
{%- endmacro %}

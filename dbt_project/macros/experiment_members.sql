{% macro forget_members() -%}
    {#-
        Pre-hook of `int_experiments__member`: of the business date and later days it takes anew what the ledger says; and who
        came in before the oldest decision that is still kept is not remembered by the experiment either.
    -#}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where
            entered_on >= {{ as_of_date() }}
            or entered_on < (select min(ledger.as_of) from {{ ref('int_customers__contact_decision') }} as ledger)
    {%- endif -%}
{%- endmacro %}

{% macro members_from() -%}
    {#- First day of the ledger that may bring new members: afresh all of it. -#}
    {{ as_of_date() if is_incremental() else "cast('1900-01-01' as date)" }}
{%- endmacro %}

{% macro is_new_member(found) -%}
    {#- Condition: the experiment does not have the customer yet. -#}
    {%- if is_incremental() -%}
        not exists (
            select 1
            from {{ this }} as known
            where
                known.experiment = {{ found }}.experiment
                and known.customer_id = {{ found }}.customer_id
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

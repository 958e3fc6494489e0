{% macro delete_unsealed_day() -%}
    {#-
        Pre-hook of the decision ledger: takes out the business date's rows, so that the build replaces them, unless the day
        is sealed; and the rows of earlier source generations, which speak of other customers. Two statements, each by an
        index: the ledger holds years.
    -#}
    {%- if is_incremental() -%}
        {%- set newest = '(select max(generation) from ' ~ source('ops', 'source_generation') ~ ')' -%}
        delete from {{ this }}
        where generation < {{ newest }};
        delete from {{ this }}
        where
            as_of = {{ as_of_date() }}
            and not exists (
                select 1
                from {{ source('ops', 'sealed_day') }} as sealed
                where
                    sealed.generation = {{ newest }}
                    and sealed.as_of = {{ as_of_date() }}
            )
    {%- endif -%}
{%- endmacro %}

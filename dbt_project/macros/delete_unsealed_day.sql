{% macro delete_unsealed_day() -%}
    {#-
        Pre-hook of the decision ledger: takes out the business date's rows, so that the build replaces them, unless the day
        is sealed; and the rows of earlier source generations, which speak of other customers.
    -#}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where
            generation <> (select max(generation) from {{ source('ops', 'source_generation') }})
            or (
                as_of = {{ as_of_date() }}
                and as_of not in (
                    select sealed.as_of
                    from {{ source('ops', 'sealed_day') }} as sealed
                    where sealed.generation = (select max(generation) from {{ source('ops', 'source_generation') }})
                )
            )
    {%- endif -%}
{%- endmacro %}

{% macro unsealed_generation() -%}
    {#-
        The newest source generation, and no row when the business date is sealed in it: what was published for a sealed day
        does not change. What is only compared with it may be decided for a sealed day, too. A query of one column.
    -#}
    select newest.generation
    from (select max(generation) as generation from {{ source('ops', 'source_generation') }}) as newest
    where
        {{ 'true' if is_rebuild() else 'false' }}
        or not exists (
            select 1
            from {{ source('ops', 'sealed_day') }} as sealed
            where
                sealed.generation = newest.generation
                and sealed.as_of = {{ as_of_date() }}
        )
{%- endmacro %}

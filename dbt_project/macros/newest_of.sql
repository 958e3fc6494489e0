{% macro newest_of(kept, day) -%}
    {#-
        The newest row by `day` of a table of `ops` that keeps one a day and source generation, of the generation that is loaded
        now: a query. `kept` is the name of the table.
    -#}
    select *
    from {{ source('ops', kept) }}
    where generation = (select max(generations.generation) from {{ source('ops', 'source_generation') }} as generations)
    order by {{ day }} desc
    limit 1
{%- endmacro %}

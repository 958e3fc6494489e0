{% macro newest_version(table, key, changed_at='updated_at', keep_unknown=true) -%}
    {#-
        The landed rows of a contract table that staging may see, one per key: of the batches that passed the gate in
        the newest source generation, less the quarantined rows, the version that changed last (ties: landed last).
        The gate notes which rows a batch supersedes (`ops.superseded_row`), so that nothing is sorted here. For use as a
        subquery: PostgreSQL does not look into one that has a `with` of its own, and would read all rows to find few.

        With a knowledge time K: the newest version that changed by K. Where none did, the oldest version there is
        (the source overwrites rows, so an older one may never have been landed), or no row when not keep_unknown. A key
        that came only after a load that covers K was not there at K: it has no row either.
    -#}
    {%- if knowledge_time() -%}
    select *
    from (
        select
            landed.*,
            row_number() over (
                partition by {% for column in key %}landed.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
                order by
                    {% if keep_unknown -%}
                    case when {{ is_known('landed.' ~ changed_at) }} then 0 else 1 end,
                    case when {{ is_known('landed.' ~ changed_at) }} then landed.{{ changed_at }} end desc,
                    case when not {{ is_known('landed.' ~ changed_at) }} then landed.{{ changed_at }} end asc,
                    {% endif -%}
                    landed.{{ changed_at }} desc,
                    landed._row_id desc
            ) as _version_rank
        from {{ _passed_rows(table) }}
        {%- if not keep_unknown %}
            and {{ is_known('landed.' ~ changed_at) }}
        {%- endif %}
    ) as versions
    where
        _version_rank = 1
        {%- if keep_unknown %}
        and (
            {{ is_known(changed_at) }}
            or not exists (
                select 1
                from {{ ref('stg_ops__passed_batches') }} as covering
                where
                    covering.as_of >= {{ knowledge_day() }}
                    and covering.batch_id < versions._batch_id
            )
        )
        {%- endif %}
    {%- else -%}
    select landed.*
    from {{ _passed_rows(table) }}
        and not exists (
            select 1
            from {{ source('ops', 'superseded_row') }} as superseded
            inner join {{ ref('stg_ops__passed_batches') }} as superseding
                on superseded.batch_id = superseding.batch_id
            where
                superseded.table_name = '{{ table }}'
                and superseded.row_id = landed._row_id
        )
    {%- endif %}
{%- endmacro %}

{% macro _passed_rows(table) -%}
    {{ source('landing', table) }} as landed
        inner join {{ ref('stg_ops__passed_batches') }} as batches
            on landed._batch_id = batches.batch_id
        where
            not exists (
                select 1
                from {{ source('quarantine', table) }} as rejected
                where rejected._row_id = landed._row_id
            )
{%- endmacro %}

{% macro newest_version(table, key, changed_at='updated_at', keep_unknown=true) -%}
    {#-
        The landed rows of a contract table that staging may see, one per key: of the batches that passed the gate in
        the newest source generation, less the quarantined rows, the version that changed last (ties: landed last).

        With a knowledge time K: the newest version that changed by K. Where none did, the oldest version there is
        (the source overwrites rows, so an older one may never have been landed), or no row when not keep_unknown.
    -#}
    select *
    from (
        select
            landed.*,
            row_number() over (
                partition by {% for column in key %}landed.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
                order by
                    {% if var('known_at') and keep_unknown -%}
                    case when {{ is_known('landed.' ~ changed_at) }} then 0 else 1 end,
                    case when {{ is_known('landed.' ~ changed_at) }} then landed.{{ changed_at }} end desc,
                    case when not {{ is_known('landed.' ~ changed_at) }} then landed.{{ changed_at }} end asc,
                    {% endif -%}
                    landed.{{ changed_at }} desc,
                    landed._row_id desc
            ) as _version_rank
        from {{ source('landing', table) }} as landed
        inner join {{ ref('stg_ops__passed_batches') }} as batches
            on landed._batch_id = batches.batch_id
        left join {{ source('quarantine', table) }} as rejected
            on landed._row_id = rejected._row_id
        where
            rejected._row_id is null
            {%- if not keep_unknown %}
            and {{ is_known('landed.' ~ changed_at) }}
            {%- endif %}
    ) as versions
    where _version_rank = 1
{%- endmacro %}

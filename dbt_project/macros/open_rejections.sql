{% macro open_rejections(table, key, holds, changed_at='updated_at', loan_id='null', customer_id='null') -%}
    {#-
        Quarantined rows of a contract table of which no later version has passed, with the loan or customer they
        belong to. `holds` says which of the two is held.
    -#}
    select distinct
        '{{ table }}' as table_name,
        rejected._row_id as row_id,
        {{ holds }} as holds,
        cast({{ loan_id }} as text) as loan_id,
        cast({{ customer_id }} as text) as customer_id
    from {{ source('quarantine', table) }} as rejected
    inner join {{ ref('stg_ops__passed_batches') }} as batches
        on rejected._batch_id = batches.batch_id
    left join {{ ref('stg_core_banking__' ~ table) }} as passed
        on
            {% for column in key -%}
            rejected.{{ column }} = passed.{{ column }}
            and {% endfor -%}
            (
                passed.{{ changed_at }} > rejected.{{ changed_at }}
                or (
                    -- The same version, landed again: its parent has come, or its table was replaced as a whole.
                    coalesce(passed.{{ changed_at }} = rejected.{{ changed_at }}, true)
                    and passed._batch_id > rejected._batch_id
                )
            )
    where
        passed.{{ key[0] }} is null
        and ({{ is_known('rejected.' ~ changed_at) }} or rejected.{{ changed_at }} is null)
{%- endmacro %}

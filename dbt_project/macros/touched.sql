{#-
    State per loan: models tagged `per_loan` keep their rows and compute anew only those of touched loans, which
    `int_loans__touched` names. Killed anywhere and built again they end the same: what is touched is judged by what the
    slowest of them has seen (`ops.loan_state`), and to compute a loan once more changes nothing.
-#}

{% macro only_touched(loan_id) -%}
    {#- Condition: the loan is touched; true where the model is built afresh. -#}
    {%- set touched = ref('int_loans__touched') -%}
    {%- if is_incremental() -%}
        {{ loan_id }} in (select touched.loan_id from {{ touched }} as touched)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro some_touched() -%}
    {#- Ten thousand touched loans, for tests that read all rows of a loan: a first build touches all loans. -#}
    select * from {{ ref('int_loans__touched') }}
    order by loan_id
    limit 10000
{%- endmacro %}

{% macro delete_touched() -%}
    {#- Pre-hook of a model tagged `per_loan`. -#}
    {%- if is_incremental() -%}
        delete from {{ this }} where loan_id in (select touched.loan_id from {{ ref('int_loans__touched') }} as touched)
    {%- endif -%}
{%- endmacro %}

{% macro record_loan_state() -%}
    {#-
        Post-hook of a model tagged `per_loan`, in its transaction: which batches, which days and which rules its rows are
        from. What models that are no more have left goes too: other rules would ask for all afresh for ever.
    -#}
    {%- set batches = ref('stg_ops__passed_batches') -%}
    {%- set horizon = ref('int_builds__horizon') -%}
    {%- set name = "'" ~ this.schema ~ '.' ~ this.identifier ~ "'" -%}
    {%- if not is_rebuild() -%}
    delete from {{ source('ops', 'loan_state') }} where model = {{ name }} or model not in ({{ per_loan_models() }});
    insert into {{ source('ops', 'loan_state') }} (model, generation, batch_id, known_until, rules)
    select
        {{ name }},
        max(batches.generation),
        max(batches.batch_id),
        max(horizon.known_until),
        '{{ env_var("ARREARS_RULES", "") }}'
    from {{ batches }} as batches
    cross join {{ horizon }} as horizon
    having count(*) > 0
    {%- endif -%}
{%- endmacro %}

{% macro per_loan_models() -%}
    {#- The models tagged `per_loan`, as record_loan_state() names them: a list of literals. -#}
    {%- set names = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if 'per_loan' in node.tags -%}
        {%- do names.append("'" ~ node.schema ~ '.' ~ node.alias ~ "'") -%}
    {%- endfor -%}
    {{ names | join(', ') or "''" }}
{%- endmacro %}

{% macro landed_rows(table, key, changed) -%}
    {#-
        All landed rows with the key of a row of `changed`, for use in a lateral join. The offset has them looked up by
        index, one key at a time: the planner cannot know how few rows are new, and would read the whole table.
    -#}
    (
        select *
        from {{ source('landing', table) }} as landed
        where landed.{{ key }} = {{ changed }}.{{ key }}
        offset 0
    )
{%- endmacro %}

{% macro has_loan_state() -%}
    {#- Whether rows of an earlier build are there to go on from. -#}
    {%- if not execute or flags.FULL_REFRESH -%}
        {{ return(false) }}
    {%- endif -%}
    {%- for schema, name in [('marts', 'fct_delinquency_history'), ('intermediate', 'int_loans__terms')] -%}
        {%- if not adapter.get_relation(target.database, generate_schema_name(schema, none) | trim, name) -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{% macro index_next_moments() -%}
    {#- Post-hook of the history: finds the loans whose next day has come. Only open intervals have one. -#}
    {%- if not is_incremental() -%}
        {{ adapter.dispatch('index_next_moments', 'arrears')() }}
    {%- endif -%}
{%- endmacro %}

{% macro default__index_next_moments() -%}{%- endmacro %}

{% macro postgres__index_next_moments() -%}
    create index on {{ this }} (next_moment_on) where next_moment_on is not null
{%- endmacro %}

{#-
    What was published and has come out otherwise: hooks of fct_delinquency_history that run in its transaction, so that
    a correction is written exactly when, and only if, the intervals that it corrects are replaced. A build killed before
    the commit leaves neither; built again, the intervals are the same and there is nothing to correct.
-#}

{% macro remember_published() -%}
    {#- Pre-hook, before delete_touched(): keeps the intervals of the loans whose past may change. -#}
    {%- if is_incremental() and not is_rebuild() -%}
        {{ return(adapter.dispatch('remember_published', 'arrears')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__remember_published() -%}{%- endmacro %}

{% macro postgres__remember_published() -%}
    create temporary table published_history on commit drop as
    select history.*
    from {{ this }} as history
    where
        history.loan_id in (
            select touched.loan_id
            from {{ ref('int_loans__touched') }} as touched
            where touched.may_change_past
        );
    analyze published_history
{%- endmacro %}

{% macro record_corrections() -%}
    {#-
        Post-hook, before record_loan_state(): writes what other figures the days up to the last one that was published
        have now. Where the history was built afresh, by other rules or code, all loans are compared.
    -#}
    {%- if execute and not is_rebuild() -%}
        {%- if is_incremental() -%}
            {{ return(adapter.dispatch('record_corrections', 'arrears')('published_history')) }}
        {%- endif -%}
        {%- set replaced = load_cached_relation(make_backup_relation(this, 'table')) -%}
        {%- if replaced -%}
            {{ return(adapter.dispatch('record_corrections', 'arrears')(replaced)) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro default__record_corrections(published_history) -%}{%- endmacro %}

{% macro postgres__record_corrections(published_history) -%}
    {%- set figures = [
        'oldest_unpaid_due_date', 'arrears_amount', 'paid_total', 'outstanding_principal', 'unpaid_instalments'
    ] -%}
    {%- set sides = [('old', published_history), ('new', this)] -%}
insert into {{ source('ops', 'delinquency_correction') }} (
    build_id,
    loan_id,
    valid_from,
    valid_to,
    {% for side, _ in sides -%}
    {% for figure in figures -%}
    {{ side }}_{{ figure }},
    {% endfor -%}
    {% endfor -%}
    because
)
with published as (
    select published_until + 1 as published_to
    from {{ ref('int_builds__horizon') }}
    where published_until is not null
),

{% for side, relation in sides -%}
{{ side }}_history as (
    select
        history.loan_id,
        history.valid_from,
        least(coalesce(history.valid_to, published.published_to), published.published_to) as valid_to,
        {% for figure in figures -%}
        history.{{ figure }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ relation }} as history
    inner join published
        on history.valid_from < published.published_to
    {% if is_incremental() -%}
    where
        history.loan_id in (
            select touched.loan_id
            from {{ ref('int_loans__touched') }} as touched
            where touched.may_change_past
        )
    {% endif -%}
),

{% endfor -%}

-- Few of the loans that were computed anew have another past: whole rows tell them fast.
changed as (
    select distinct loan_id
    from (
        (select * from old_history except all select * from new_history)
        union all
        (select * from new_history except all select * from old_history)
    ) as differing
),

-- No side changes its figures between two of these days.
days as (
    {% for side, _ in sides -%}
    {% for day in ['valid_from', 'valid_to'] -%}
    select
        history.loan_id,
        history.{{ day }} as day
    from {{ side }}_history as history
    inner join changed
        on history.loan_id = changed.loan_id
    {{ 'union' if not loop.last }}
    {% endfor -%}
    {{ 'union' if not loop.last }}
    {% endfor -%}
),

ranges as (
    select
        loan_id,
        day as valid_from,
        lead(day) over (partition by loan_id order by day) as valid_to
    from days
),

corrections as (
    select
        ranges.loan_id,
        ranges.valid_from,
        ranges.valid_to,
        {% for side, _ in sides -%}
        {% for figure in figures -%}
        {{ side }}_history.{{ figure }} as {{ side }}_{{ figure }}{{ ',' if not loop.last }}
        {% endfor -%}
        {{ ',' if not loop.last }}
        {% endfor -%}
    from ranges
    {% for side, _ in sides -%}
    left join {{ side }}_history
        on
            ranges.loan_id = {{ side }}_history.loan_id
            and ranges.valid_from >= {{ side }}_history.valid_from
            and ranges.valid_from < {{ side }}_history.valid_to
    {% endfor -%}
    where
        ranges.valid_to is not null
        and (
            {% for figure in figures -%}
            old_history.{{ figure }} is distinct from new_history.{{ figure }}
            {{ 'or' if not loop.last }}
            {% endfor -%}
        )
),

state as (
    select
        batch_id,
        rules
    from {{ source('ops', 'loan_state') }}
    where model = '{{ this.schema }}.{{ this.identifier }}'
),

batches as (
    select batches.batch_id
    from {{ ref('stg_ops__passed_batches') }} as batches
    inner join state
        on batches.batch_id > state.batch_id
),

corrected as (
    select distinct loan_id
    from corrections
),

landed_rows as (
    -- Every loan that any version of a transaction was booked on, from the first day that any version speaks of.
    select
        versions.loan_id,
        'loan_transactions' as table_name,
        versions.transaction_id as row_key,
        min(versions.effective_on) as bears_from
    from corrected
    inner join {{ source('landing', 'loan_transactions') }} as versions
        on corrected.loan_id = versions.loan_id
    where
        versions.transaction_id in (
            select landed.transaction_id
            from {{ source('landing', 'loan_transactions') }} as landed
            inner join batches
                on landed._batch_id = batches.batch_id
            where
                not exists (
                    select 1
                    from {{ source('quarantine', 'loan_transactions') }} as rejected
                    where rejected._row_id = landed._row_id
                )
        )
    group by versions.loan_id, versions.transaction_id
    union all
    select distinct
        landed.loan_id,
        'repayment_schedule' as table_name,
        cast(landed.schedule_version as text) as row_key,
        cast(null as date) as bears_from
    from {{ source('landing', 'repayment_schedule') }} as landed
    inner join batches
        on landed._batch_id = batches.batch_id
    inner join corrected
        on landed.loan_id = corrected.loan_id
    union all
    select distinct
        landed.loan_id,
        'loans' as table_name,
        landed.loan_id as row_key,
        cast(null as date) as bears_from
    from {{ source('landing', 'loans') }} as landed
    inner join batches
        on landed._batch_id = batches.batch_id
    inner join corrected
        on landed.loan_id = corrected.loan_id
    union all
    select distinct
        terms.loan_id,
        'customers' as table_name,
        landed.customer_id as row_key,
        cast(null as date) as bears_from
    from {{ source('landing', 'customers') }} as landed
    inner join batches
        on landed._batch_id = batches.batch_id
    inner join {{ ref('int_loans__terms') }} as terms
        on landed.customer_id = terms.customer_id
    inner join corrected
        on terms.loan_id = corrected.loan_id
    inner join {{ source('landing', 'customers') }} as earlier
        on
            landed.customer_id = earlier.customer_id
            and landed.jurisdiction <> earlier.jurisdiction
    union all
    select
        corrected.loan_id,
        'rules' as table_name,
        '{{ env_var("ARREARS_RULES", "") }}' as row_key,
        cast(null as date) as bears_from
    from corrected
    cross join state
    where state.rules <> '{{ env_var("ARREARS_RULES", "") }}'
),

causes as (
    select
        corrections.loan_id,
        corrections.valid_from,
        landed_rows.table_name,
        jsonb_agg(landed_rows.row_key order by landed_rows.row_key) as row_keys
    from corrections
    inner join landed_rows
        on
            corrections.loan_id = landed_rows.loan_id
            and (landed_rows.bears_from is null or landed_rows.bears_from < corrections.valid_to)
    group by corrections.loan_id, corrections.valid_from, landed_rows.table_name
),

because as (
    select
        loan_id,
        valid_from,
        jsonb_object_agg(table_name, row_keys) as tables
    from causes
    group by loan_id, valid_from
)

select
    {{ env_var('ARREARS_BUILD_ID', '0') }} as build_id,
    corrections.loan_id,
    corrections.valid_from,
    corrections.valid_to,
    {% for side, _ in sides -%}
    {% for figure in figures -%}
    corrections.{{ side }}_{{ figure }},
    {% endfor -%}
    {% endfor -%}
    coalesce(because.tables, '{}') as because
from corrections
left join because
    on
        corrections.loan_id = because.loan_id
        and corrections.valid_from = because.valid_from
order by corrections.loan_id, corrections.valid_from
{%- endmacro %}

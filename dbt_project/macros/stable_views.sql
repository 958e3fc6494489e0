{#-
    What readers of `bi` see is never gone (docs/bi.md). dbt puts a view that it makes anew in the place of the old one, and
    drops that with all that looks at it; so it does with a table that is built afresh. On PostgreSQL a view that is the same
    stays, and views in `bi` follow a table that is swapped, in the transaction that swaps it.
-#}

{% materialization view, adapter='postgres' -%}
    {#- A view that followed a table is there; dbt believes that it went with the old one. -#}
    {%- set is_there = "select to_regclass('" ~ this.include(database=false) ~ "') is not null" -%}
    {%- if load_cached_relation(this) is none and run_query(is_there).rows[0][0] -%}
        {%- do adapter.cache_added(this.incorporate(type='view')) -%}
    {%- endif -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is none or not existing.is_view or not is_same_view(existing, sql) -%}
        {{ return(dbt.materialization_view_default()) }}
    {%- endif -%}
    {%- call noop_statement('main', 'SAME VIEW') -%}
        {{ sql }}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [existing]}) }}
{%- endmaterialization %}

{% macro is_same_view(existing, sql) -%}
    {#- Whether the view would be made as it is: PostgreSQL says of both what it understood. -#}
    {%- set asked = api.Relation.create(schema='pg_temp', identifier=model.name ~ '__asked', type='view') -%}
    {#- Begins the transaction: `run_query` alone does not. -#}
    {%- call statement('ask') -%}
        {{ get_create_view_as_sql(asked, sql) }}
    {%- endcall -%}
    {%- set answer = run_query(
        "select pg_get_viewdef('" ~ asked ~ "'::regclass) = pg_get_viewdef('" ~ existing.include(database=false) ~ "'::regclass)"
    ) -%}
    {%- do run_query('drop view ' ~ asked) -%}
    {{ return(answer.rows[0][0]) }}
{%- endmacro %}

{% macro postgres__rename_relation(from_relation, to_relation) -%}
    {%- if to_relation.identifier.endswith('__dbt_backup') -%}
        {#- A statement that changes nothing and waits for the view alone: `lock table` would lock all that it reads as well. -#}
        {%- do run_query(each_bi_view_of(from_relation, "'alter view %s owner to current_user', each.view")) -%}
    {%- endif -%}
    {{ default__rename_relation(from_relation, to_relation) }}
    {%- if from_relation.identifier.endswith('__dbt_tmp') -%}
        {%- set backup = make_backup_relation(to_relation, to_relation.type) -%}
        {%- do run_query(each_bi_view_of(
            backup,
            "'create or replace view %s as %s', each.view, replace(each.definition, '" ~ backup.identifier ~ "', '"
            ~ to_relation.identifier ~ "')"
        )) -%}
    {%- endif -%}
{%- endmacro %}

{% macro each_bi_view_of(relation, statement) -%}
    {#-
        A statement for each view in `bi` that reads the relation. Readers take a view first and then its tables, and so does
        whoever swaps them: otherwise each could wait for the other. A view that the new table does not fit any more goes with
        the old one, and dbt makes it anew.
    -#}
    do $$
    declare
        each record;
    begin
        for each in
            select distinct
                cast(reader.oid as regclass) as view,
                pg_get_viewdef(reader.oid) as definition
            from pg_depend
            inner join pg_rewrite on pg_depend.objid = pg_rewrite.oid
            inner join pg_class as reader on pg_rewrite.ev_class = reader.oid
            where
                pg_depend.refobjid = to_regclass('{{ relation.include(database=false) }}')
                and reader.relnamespace = to_regnamespace('bi')
        loop
            begin
                execute format({{ statement }});
            exception
                when invalid_table_definition or undefined_column or datatype_mismatch or feature_not_supported then
                    raise notice 'view % does not fit the new table', each.view;
            end;
        end loop;
    end
    $$
{%- endmacro %}

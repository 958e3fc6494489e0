{% macro published_decisions() -%}
    {#-
        The decisions of earlier days as published, also for a run that writes into schemas of its own: a query with no rows
        before the first build. Not a `ref`, since the ledger itself follows from it.
    -#}
    {%- set columns = {
        'generation': 'integer', 'as_of': 'date', 'customer_id': 'text', 'channel': 'text', 'currency': 'text',
        'decision': 'text', 'all_reasons': 'text[]', 'attempts': 'integer', 'days_waited': 'integer'
    } -%}
    {%- set ledger = adapter.get_relation(
        database=target.database, schema='intermediate', identifier='int_customers__contact_decision'
    ) if execute else none -%}
    {#- A ledger that an earlier version wrote may lack a newer column. -#}
    {%- set known = adapter.get_columns_in_relation(ledger) | map(attribute='name') | list if ledger else [] -%}
    select
        {%- for name, type in columns.items() %}
        {{ name if name in known else 'cast(null as ' ~ type ~ ') as ' ~ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    {{ 'from ' ~ ledger if ledger else 'where false' }}
{%- endmacro %}

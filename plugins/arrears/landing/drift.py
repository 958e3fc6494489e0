"""Is the source still what the contract says?"""

from collections.abc import Sequence

from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import SchemaDriftError
from arrears.source.contract import SOURCE_SCHEMA, Table

_FOUND_COLUMNS = """
    select relation.relname, attribute.attname, format_type(attribute.atttypid, attribute.atttypmod)
    from pg_catalog.pg_attribute as attribute
    inner join pg_catalog.pg_class as relation on attribute.attrelid = relation.oid
    inner join pg_catalog.pg_namespace as namespace on relation.relnamespace = namespace.oid
    where
        namespace.nspname = %s
        and relation.relname = any(%s)
        and relation.relkind in ('r', 'v', 'm', 'p', 'f')
        and attribute.attnum > 0
        and not attribute.attisdropped
"""


def check_source(source: Connection, tables: Sequence[Table]) -> list[str]:
    """Compare the source's tables and views with the contract. Reads only; the transaction stays open.

    Returns:
        Notes: columns that the source has and the contract does not. They are not loaded.

    Raises:
        SchemaDriftError: tables or columns are missing or of another type; all of them are named.
    """
    with source.cursor() as cursor:
        cursor.execute(_FOUND_COLUMNS, (SOURCE_SCHEMA, [table.name for table in tables]))
        found: dict[str, dict[str, str]] = {}
        for relation, column, kind in cursor.fetchall():
            found.setdefault(relation, {})[column] = kind
    problems = [problem for table in tables for problem in _problems(table, found.get(table.name))]
    if problems:
        raise SchemaDriftError(problems)
    return [
        f"{SOURCE_SCHEMA}.{table.name}.{column}: not in the contract, not loaded"
        for table in tables
        for column in sorted(found[table.name].keys() - set(table.column_names))
    ]


def _problems(table: Table, found: dict[str, str] | None) -> list[str]:
    name = f"{SOURCE_SCHEMA}.{table.name}"
    if found is None:
        return [f"{name}: expected a table or view that we may read, found none"]
    return [
        f"{name}.{column.name}: expected {column.type}, found {found.get(column.name, 'no such column')}"
        for column in table.columns
        if found.get(column.name) != column.type
    ]

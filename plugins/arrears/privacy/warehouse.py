"""Rights, row-level security and the record of access, in the warehouse."""

from functools import partial

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.source.contract import TABLES, Table
from arrears.sql_files import read_statement

statement = partial(read_statement, "privacy")
"""The text of `sql/privacy/<name>.sql`."""

ALWAYS_READABLE = ("_row_id", "_batch_id", "reason_code", "rule_id", "quarantined_at")
"""Columns of every quarantine table beside those of the contract."""


def create_privacy(cursor: Cursor) -> None:
    """Create what guards personal data. Safe to run again; does not commit."""
    cursor.execute(statement("access"))
    cursor.execute(statement("erasure"))
    cursor.execute(statement("reader_columns"))
    cursor.execute("select tablename from pg_policies where schemaname = 'quarantine'")
    guarded = {name for (name,) in cursor.fetchall()}
    for table in TABLES:
        if table.name not in guarded:
            _guard(cursor, table)


def _guard(cursor: Cursor, table: Table) -> None:
    """Stewards see rejected rows of their jurisdictions, without personal values (`ops.read_quarantined` has those)."""
    readable = [*ALWAYS_READABLE, *(column.name for column in table.columns if not column.personal)]
    cursor.execute(
        sql.SQL(statement("guard_quarantine")).format(
            table=sql.Identifier("quarantine", table.name),
            columns=sql.SQL(", ").join(map(sql.Identifier, readable)),
            jurisdiction=_jurisdiction(table),
        )
    )


def _jurisdiction(table: Table) -> sql.Composable:
    """That of the row; null, which only a steward of everybody sees, where a row has to do with nobody."""
    if "jurisdiction" in table.column_names:
        return sql.Identifier("jurisdiction")
    keys = [
        sql.Identifier(name) if name in table.column_names else sql.SQL("null") for name in ("customer_id", "loan_id")
    ]
    return sql.SQL("ops.jurisdiction_of({}, {})").format(*keys)

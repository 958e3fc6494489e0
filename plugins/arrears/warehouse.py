"""Set up the warehouse: schemas, landing and quarantine tables from the contract, and the ledger in `ops`."""

import hashlib
from importlib.resources import files
from pathlib import Path

import psycopg2.extensions

from arrears.errors import ServiceError
from arrears.landing_tables import create_gates, mark_superseded
from arrears.privacy.warehouse import create_privacy
from arrears.source.contract import BY_NAME, TABLES, Table

_SET_UP_BY = (
    *("sql/landing/*.sql", "sql/privacy/*.sql", "sql/quality/*.sql", "sql/warehouse/*.sql"),
    *("landing_tables.py", "privacy/warehouse.py", "source/contract.py", "warehouse.py"),
)
"""What `migrate` follows from, within the package."""


def migrate_if_changed(connection: psycopg2.extensions.connection) -> None:
    """Set up the warehouse unless this very code did so last.

    Setting up locks tables against all readers, and a command that only asks something must neither wait for a build
    nor make one wait.
    """
    if not _is_set_up(connection):
        migrate(connection)


def require_set_up(connection: psycopg2.extensions.connection) -> None:
    """For whoever meets tasks that run: they are of the code of before, and setting up would wait for them.

    Raises:
        ServiceError: other code set up the warehouse, or none.
    """
    if not _is_set_up(connection):
        raise ServiceError(
            "the warehouse was set up by another version of the code than this, and Airflow still runs that one:"
            " when no task runs, `arrears down`, then `arrears up`"
        )


def _is_set_up(connection: psycopg2.extensions.connection) -> bool:
    """Whether this very code set up the warehouse last."""
    with connection, connection.cursor() as cursor:
        if not _exists(cursor, "ops.set_up"):
            return False
        cursor.execute("select 1 from ops.set_up where code_sha256 = %s", (_code_sha256(),))
        return cursor.fetchone() is not None


def migrate(connection: psycopg2.extensions.connection) -> None:
    """Create whatever is missing, and set all rights anew, in one transaction. Run as `pipeline`.

    Running it again changes nothing.
    """
    sql_files = files("arrears").joinpath("sql", "warehouse")
    with connection, connection.cursor() as cursor:
        # Two set-ups at once (a CLI and a task) would race on "if not exists".
        cursor.execute("select pg_advisory_xact_lock(hashtext('arrears.migrate'))")
        cursor.execute(sql_files.joinpath("schemas.sql").read_text())
        for table in TABLES:
            cursor.execute(_landing_ddl(table))
            cursor.execute(_quarantine_ddl(table))
        notes_superseded = _exists(cursor, "ops.superseded_row")
        cursor.execute(sql_files.joinpath("ops.sql").read_text())
        create_gates(cursor)
        create_privacy(cursor)
        if not notes_superseded:
            _note_superseded(cursor)
        cursor.execute("delete from ops.set_up")
        cursor.execute("insert into ops.set_up (code_sha256) values (%s)", (_code_sha256(),))


def _code_sha256() -> str:
    digest = hashlib.sha256()
    for pattern in _SET_UP_BY:
        for path in sorted(Path(__file__).parent.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _exists(cursor: psycopg2.extensions.cursor, relation: str) -> bool:
    cursor.execute("select to_regclass(%s) is not null", (relation,))
    return bool(cursor.fetchall()[0][0])


def _note_superseded(cursor: psycopg2.extensions.cursor) -> None:
    """For a warehouse whose batches passed before the gate noted what they supersede."""
    cursor.execute(
        "select batch_id, table_name from ops.load_batch inner join ops.load_table using (batch_id)"
        " where state = 'passed' order by batch_id, table_name"
    )
    for batch_id, table_name in cursor.fetchall():
        mark_superseded(cursor, BY_NAME[table_name], batch_id)


def _landing_ddl(table: Table) -> str:
    columns = ",\n    ".join(f'"{column.name}" {column.type}' for column in table.columns)
    return (
        f"create table if not exists landing.{table.name} (\n"
        # Cached numbers: one by one they take a seventh of a first load. `load_batch` keeps them in the order of loads.
        "    _row_id bigint generated always as identity (cache 1000),\n"
        f"    _batch_id bigint not null,\n    {columns}\n)"
    )


def _quarantine_ddl(table: Table) -> str:
    """Rejected rows keep their values and where they came from, so that a steward can see what the bank sent."""
    columns = ",\n    ".join(f'"{column.name}" {column.type}' for column in table.columns)
    return (
        f"create table if not exists quarantine.{table.name} (\n"
        "    _row_id bigint not null,\n    _batch_id bigint not null,\n"
        "    reason_code text not null,\n    rule_id text not null,\n"
        f"    quarantined_at timestamptz not null default clock_timestamp(),\n    {columns},\n"
        "    primary key (_row_id, rule_id)\n)"
    )

"""Create the source schema of the demo bank and fill it from files of the contract."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.errors import SourceFileError
from arrears.source.contract import SOURCE_SCHEMA, TABLES
from arrears.source.files import Progress, SourceFile, check_files, find_files
from arrears.source.origin import ORIGIN_DDL, ColumnOrigin, record_origins

Mode = Literal["static", "feed"]
"""`static`: the source stands still until the next load. `feed`: every business date brings new rows."""


@dataclass(frozen=True)
class LoadReport:
    """What a load did."""

    generation: int
    description: str
    row_counts: dict[str, int]
    """Rows by table, of the tables that were replaced."""
    seconds: float

    @property
    def rows(self) -> int:
        return sum(self.row_counts.values())


def create_source(connection: Connection) -> None:
    """Create the bank's tables where they are missing, and let `pipeline` read them. Commits.

    Types and columns only: no keys and no checks, since what a bank's system really contains must reach the gate. What
    changed within the day can be asked for every few minutes, so it is indexed.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(f"create schema if not exists {SOURCE_SCHEMA}")
        for table in TABLES:
            columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
            cursor.execute(f"create table if not exists {SOURCE_SCHEMA}.{table.name} ({columns})")
            indexed = f"{SOURCE_SCHEMA}.{table.name} ({table.changed_at})"
            cursor.execute(f"create index if not exists {table.name}_changed_at on {indexed}")
        cursor.execute(ORIGIN_DDL)
        cursor.execute(f"grant usage on schema {SOURCE_SCHEMA} to pipeline")
        cursor.execute(f"grant select on all tables in schema {SOURCE_SCHEMA} to pipeline")


def load_directory(
    core_banking: Connection,
    warehouse: Connection,
    directory: Path,
    *,
    replace: bool = False,
    mode: Mode = "static",
    description: str | None = None,
    origins: Sequence[ColumnOrigin] = (),
    progress: Progress | None = None,
) -> LoadReport:
    """Replace the source's tables by the files of a directory, all or nothing, and record it in the warehouse. Commits.

    A table without a file stays as it is, or is emptied with `replace`, which also starts a new source generation.
    `origins` say where the columns come from (`core_banking.data_origin`). What is open on a connection is committed.

    Raises:
        SourceFileError: the files break the contract; neither database was touched.
    """
    started = time.monotonic()
    paths = find_files(directory)
    files = check_files(paths, progress)
    text = description or f"files of {directory.name}"
    tables = [table.name for table in TABLES if replace or table.name in paths]
    row_counts = dict.fromkeys(tables, 0) | {file.table.name: file.row_count for file in files}
    with core_banking, core_banking.cursor() as source:
        # One load at a time; readers are not disturbed (a truncate would show them an empty table).
        source.execute("select pg_advisory_xact_lock(hashtext('arrears.source.load'))")
        _replace_rows(source, tables, files, origins)
        # Recorded before the source commits: killed in between, the next load compares too much, never too little.
        with warehouse, warehouse.cursor() as ledger:
            generation = _record(ledger, row_counts, new_generation=replace, mode=mode, description=text)
    with warehouse, warehouse.cursor() as ledger:
        # And again after it: a landing load that ran in between has not seen these rows.
        _touch(ledger, generation, tables)
    return LoadReport(generation, text, row_counts, time.monotonic() - started)


def _replace_rows(
    cursor: Cursor, tables: Sequence[str], files: Sequence[SourceFile], origins: Sequence[ColumnOrigin]
) -> None:
    for table in tables:
        cursor.execute(sql.SQL("delete from {}").format(sql.Identifier(SOURCE_SCHEMA, table)))
    for file in files:
        _copy(cursor, file)
    record_origins(cursor, tables, origins)


def _copy(cursor: Cursor, file: SourceFile) -> None:
    """Stream a checked file into its table; an empty field is null whether quoted or not."""
    statement = sql.SQL("copy {} ({}) from stdin with (format csv, header true, force_null *, encoding 'UTF8')").format(
        sql.Identifier(SOURCE_SCHEMA, file.table.name), sql.SQL(", ").join(map(sql.Identifier, file.columns))
    )
    with file.open() as stream:
        try:
            cursor.copy_expert(statement, stream, size=1 << 20)
        except psycopg2.DataError as error:
            # The message may quote the line; only its code is safe to show.
            raise SourceFileError(
                [f"{file.path.name}: refused by PostgreSQL ({error.pgcode}); did the file change while it was loaded?"]
            ) from None
    if cursor.rowcount != file.row_count:
        raise SourceFileError(
            [f"{file.path.name}: {file.row_count} rows were checked and {cursor.rowcount} arrived; load it again"]
        )


def _record(cursor: Cursor, row_counts: dict[str, int], *, new_generation: bool, mode: Mode, description: str) -> int:
    """Write the ledger rows of a load and return its generation: the newest, or a new one."""
    cursor.execute("lock table ops.source_generation in share row exclusive mode")
    cursor.execute("select max(generation) from ops.source_generation")
    newest: int | None = (cursor.fetchone() or (None,))[0]
    if new_generation or newest is None:
        cursor.execute(
            "insert into ops.source_generation (generation, mode, description) values (%s, %s, %s)",
            [(newest or 0) + 1, mode, description],
        )
    else:
        cursor.execute(
            "update ops.source_generation set mode = %(mode)s where generation = %(newest)s and mode <> %(mode)s",
            {"mode": mode, "newest": newest},
        )
    generation = (newest or 0) + 1 if new_generation or newest is None else newest
    for table, row_count in row_counts.items():
        cursor.execute(
            "insert into ops.source_load (generation, table_name, row_count) values (%s, %s, %s)",
            [generation, table, row_count],
        )
    return generation


def _touch(cursor: Cursor, generation: int, tables: Sequence[str]) -> None:
    """Set the time of the load just recorded to now, when its rows can be seen."""
    cursor.execute(
        "update ops.source_load set loaded_at = clock_timestamp() where load_id in ("
        "select max(load_id) from ops.source_load where generation = %s and table_name = any(%s) group by table_name)",
        [generation, list(tables)],
    )

"""A bank in the warehouse of a benchmark: rows that were made up, or a source that is loaded as each night loads it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import execute_values

from arrears.dbt_build import build
from arrears.landing.load import load_batch
from arrears.landing_tables import mark_superseded
from arrears.quality.landing_gate import check_batch
from arrears.settings import Settings
from arrears.source.contract import BY_NAME
from arrears.source.load import create_source
from arrears.warehouse import migrate

Row = Mapping[str, Any]


@contextmanager
def databases(settings: Settings) -> Iterator[tuple[Connection, Connection]]:
    """A source without rows, and a warehouse."""
    with (
        closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as source,
        closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse,
    ):
        create_source(source)
        migrate(warehouse)
        yield source, warehouse


def load_and_build(source: Connection, warehouse: Connection, settings: Settings, *, as_of: date, select: str) -> None:
    """Load what the source holds, let it pass its gate, and build these models."""
    batch = load_batch(source, warehouse, as_of=as_of, run_id=None, settings=settings)
    check_batch(warehouse, batch_id=batch.batch_id, settings=settings)
    print(f"Building {as_of}")
    build(settings, as_of=as_of, select=select)


def land(cursor: Cursor, tables: Mapping[str, Sequence[Row]], *, as_of: date, description: str) -> None:
    """Put rows into landing as if a load had passed. Does not commit."""
    cursor.execute(
        "insert into ops.source_generation (generation, mode, description) values (1, 'static', %s)"
        " on conflict do nothing",
        (description,),
    )
    cursor.execute(
        "insert into ops.load_batch (generation, as_of, state, decided_at)"
        " values (1, %s, 'passed', clock_timestamp()) returning batch_id",
        (as_of,),
    )
    (batch_id,) = cursor.fetchone() or (0,)
    for table, rows in tables.items():
        insert(cursor, f"landing.{table}", [{"_batch_id": batch_id, **row} for row in rows])
        mark_superseded(cursor, BY_NAME[table], batch_id)


def insert(cursor: Cursor, table: str, rows: Sequence[Row]) -> None:
    """Rows of the same columns."""
    if rows:
        names = ", ".join(rows[0])
        values = [tuple(row.values()) for row in rows]
        execute_values(cursor, f"insert into {table} ({names}) values %s", values, page_size=1000)

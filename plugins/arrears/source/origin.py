"""Where the demo's data comes from, column by column: `core_banking.data_origin`.

Not a table of the contract and not read by the pipeline: it is there so that nobody mistakes an invented name or an
assumed due day for something that a lender published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import execute_values

from arrears.source.contract import BY_NAME, SOURCE_SCHEMA

ORIGIN_DDL = f"""
create table if not exists {SOURCE_SCHEMA}.data_origin (
    table_name text not null,
    column_name text not null,
    origin text not null check (origin in ('published', 'derived', 'assumed', 'synthetic')),
    note text not null,
    primary key (table_name, column_name)
)
"""


class Origin(StrEnum):
    """How a column came to be."""

    PUBLISHED = "published"
    """The lender's own figure, unchanged."""
    DERIVED = "derived"
    """Computed from published figures alone."""
    ASSUMED = "assumed"
    """Not published; a documented rule fills it (or leaves it empty)."""
    SYNTHETIC = "synthetic"
    """Invented."""


@dataclass(frozen=True)
class ColumnOrigin:
    """Where one column comes from."""

    table: str
    column: str
    origin: Origin
    note: str


def record_origins(cursor: Cursor, tables: Sequence[str], origins: Sequence[ColumnOrigin]) -> None:
    """Forget what was said about tables that are being replaced and say it anew. Does not commit."""
    cursor.execute(f"delete from {SOURCE_SCHEMA}.data_origin where table_name = any(%s)", [list(tables)])  # noqa: S608
    execute_values(
        cursor,
        f"insert into {SOURCE_SCHEMA}.data_origin (table_name, column_name, origin, note) values %s",  # noqa: S608
        [(item.table, item.column, item.origin.value, item.note) for item in origins],
    )


def parse_origins(text: str) -> tuple[ColumnOrigin, ...]:
    """Origins written one a line as `table column origin: note`; the column `*` means all columns of the table."""
    found = []
    for line in text.strip().splitlines():
        label, note = line.split(": ", 1)
        table, column, origin = label.split()
        names = BY_NAME[table].column_names if column == "*" else (column,)
        found += [ColumnOrigin(table, name, Origin(origin), note) for name in names]
    return tuple(found)

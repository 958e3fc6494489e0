"""A generated bank of any size, made by PostgreSQL itself in seconds: what the benchmarks run on.

Each loan has twelve monthly instalments on average and about as many payments. Most customers pay on the day, some
late, some stopped so long ago that every tier has somebody; there are closed and written-off loans, reversals, waivers,
payment pauses, new schedules, several countries and currencies, and loans counted by 30/360. Every value follows from a
loan's number and the seed. Nine in ten loans fall due on six days of the month, so the days between are quiet.

`fill_source` fills the bank's own database, `fill_landing` the warehouse's landing as if a load had passed its gate;
`touch_source` and `touch_landing` then add the rows of a following day. What the generator remembers is in the schema
`bench_bank` of the same database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.landing_tables import columns, make_searchable, mark_superseded
from arrears.source.contract import BY_NAME, SOURCE_SCHEMA, TABLES, Table

_HERE = Path(__file__).parent

NEW_BY_DAY = ("customer_flags", "hardship_arrangements", "loan_transactions", "repayment_schedule")
"""Tables to which a following day adds rows."""

CHANGED_BY_DAY = ("contact_points", "feed_status", "loans")
"""Tables of which a following day changes rows."""


@dataclass(frozen=True)
class Touched:
    """What a following day did to the bank's loans."""

    passed_due_dates: int
    """Loans with an instalment that fell due the day before: nothing was recorded, and they are to be looked at."""
    with_events: int
    """Other loans, of which something was recorded."""

    @property
    def loans(self) -> int:
        return self.passed_due_dates + self.with_events


def fill_source(connection: Connection, loans: int, as_of: date, seed: int = 1) -> dict[str, int]:
    """Fill the empty tables of `core_banking`, with all that is known by the end of `as_of`. Commits.

    `as_of` should lie in the past: a load takes nothing as changed that the bank dates in the future.

    Returns:
        Rows by table.

    Raises:
        ValueError: the source has loans already.
    """
    with connection, connection.cursor() as cursor:
        _require_empty(cursor, SOURCE_SCHEMA)
        _create_bank(cursor, loans, as_of, seed)
        counts = {table.name: _insert(cursor, table, SOURCE_SCHEMA, "") for table in TABLES}
        for table in TABLES:
            cursor.execute(sql.SQL("analyze {}").format(sql.Identifier(SOURCE_SCHEMA, table.name)))
    return counts


def fill_landing(connection: Connection, loans: int, as_of: date, seed: int = 1) -> dict[str, int]:
    """Fill the warehouse's empty landing with one passed batch of a feed, indexes and statistics included. Commits.

    Returns:
        Rows by table.

    Raises:
        ValueError: landing has loans already.
    """
    with connection, connection.cursor() as cursor:
        _require_empty(cursor, "landing")
        _create_bank(cursor, loans, as_of, seed)
        cursor.execute(
            "insert into ops.source_generation (generation, mode, description)"
            " values (1, 'feed', 'generated for a benchmark') on conflict do nothing"
        )
        batch_id, counts = _land(cursor, as_of, [(table, "") for table in TABLES], is_full=True)
        for table in TABLES:
            make_searchable(cursor, table)
            mark_superseded(cursor, table, batch_id)
    return counts


def touch_source(connection: Connection, share: float, day: date) -> Touched:
    """Let a day pass on which `share` of all loans change, due dates that passed included. Commits.

    At least one loan gets an event, since a feed without any new payment is broken; so a share of 0 is as quiet a day
    as can be. Where more due dates passed than `share` allows, the result says so.

    Raises:
        ValueError: `day` is not later than the last day of this bank.
    """
    with connection, connection.cursor() as cursor:
        touched = _choose(cursor, share, day)
        for name in CHANGED_BY_DAY:
            _delete_changed(cursor, BY_NAME[name])
        for name in NEW_BY_DAY + CHANGED_BY_DAY:
            _insert(cursor, BY_NAME[name], SOURCE_SCHEMA, "day_")
    return touched


def touch_landing(connection: Connection, share: float, day: date) -> Touched:
    """As `touch_source`, straight into landing: one more passed batch with the new rows and new versions. Commits.

    Raises:
        ValueError: `day` is not later than the last day of this bank.
    """
    with connection, connection.cursor() as cursor:
        touched = _choose(cursor, share, day)
        views = [(BY_NAME[name], "day_") for name in NEW_BY_DAY + CHANGED_BY_DAY]
        batch_id, _ = _land(cursor, day, views, is_full=False)
        for table, _ in views:
            mark_superseded(cursor, table, batch_id)
    return touched


def _require_empty(cursor: Cursor, schema: str) -> None:
    cursor.execute(sql.SQL("select exists (select from {})").format(sql.Identifier(schema, "loans")))
    if cursor.fetchone() != (False,):
        raise ValueError(f"{schema}.loans: expected an empty table to fill, found rows")


def _create_bank(cursor: Cursor, loans: int, as_of: date, seed: int) -> None:
    cursor.execute("drop schema if exists bench_bank cascade")
    cursor.execute(_read("bank.sql"), {"loans": loans, "as_of": as_of, "seed": seed})


def _choose(cursor: Cursor, share: float, day: date) -> Touched:
    cursor.execute("select greatest(max(as_of), (select max(day) from bench_bank.touched)) from bench_bank.bank")
    last = _one(cursor)[0]
    if day <= last:
        raise ValueError(f"day {day}: expected one after {last}, the last day of this bank")
    cursor.execute(_read("bank_day.sql"), {"day": day, "share": share})
    passed, with_events = _one(cursor)
    return Touched(passed, with_events)


def _insert(cursor: Cursor, table: Table, schema: str, prefix: str, batch_id: int | None = None) -> int:
    """Write what the generator's view `<prefix><table>` has; in landing, of batch `batch_id`."""
    batch_column = sql.SQL("" if batch_id is None else "_batch_id, ")
    batch_value = sql.SQL("") if batch_id is None else sql.SQL("{}, ").format(sql.Literal(batch_id))
    cursor.execute(
        sql.SQL("insert into {target} ({batch_column}{columns}) select {batch_value}{columns} from {view}").format(
            target=sql.Identifier(schema, table.name),
            batch_column=batch_column,
            batch_value=batch_value,
            columns=columns(table),
            view=sql.Identifier("bench_bank", prefix + table.name),
        )
    )
    return int(cursor.rowcount)


def _delete_changed(cursor: Cursor, table: Table) -> None:
    cursor.execute(
        sql.SQL("delete from {target} using {view} as day where {same_key}").format(
            target=sql.Identifier(SOURCE_SCHEMA, table.name),
            view=sql.Identifier("bench_bank", f"day_{table.name}"),
            same_key=sql.SQL(" and ").join(
                [
                    sql.SQL("{} = {}").format(
                        sql.Identifier(SOURCE_SCHEMA, table.name, name), sql.Identifier("day", name)
                    )
                    for name in table.key
                ]
            ),
        )
    )


def _land(
    cursor: Cursor, as_of: date, views: Sequence[tuple[Table, str]], *, is_full: bool
) -> tuple[int, dict[str, int]]:
    """One batch with the rows of some of the generator's views, and its lines in the ledger: its id, rows by table."""
    cursor.execute(
        "insert into ops.load_batch (generation, as_of, state, decided_at)"
        " select max(generation), %s, 'passed', clock_timestamp() from ops.source_generation returning batch_id",
        (as_of,),
    )
    batch_id = _one(cursor)[0]
    counts = {}
    for table, prefix in views:
        counts[table.name] = _insert(cursor, table, "landing", prefix, batch_id)
        cursor.execute(
            sql.SQL(
                "insert into ops.load_table"
                " (batch_id, table_name, is_full, source_rows, landed_rows, newest_changed_at, rejected_rows)"
                " select %(batch_id)s, %(table)s, %(is_full)s, (select count(*) from {landing}), %(rows)s,"
                " max({changed_at}), 0 from {landing}"
            ).format(landing=sql.Identifier("landing", table.name), changed_at=sql.Identifier(table.changed_at)),
            {"batch_id": batch_id, "table": table.name, "is_full": is_full, "rows": counts[table.name]},
        )
    return batch_id, counts


def _one(cursor: Cursor) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise ValueError("the generator returned no row")
    return row


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")

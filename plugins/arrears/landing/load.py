"""Copy what changed in core banking into landing: one batch, one transaction, whole or not at all."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.erasure_register import ErasureKey, key_if_needed, translate
from arrears.errors import ConfigurationError
from arrears.landing.drift import check_source
from arrears.landing.stream import copy_rows
from arrears.landing_tables import INCOMING, PARENT_REASONS, PARENTS, columns, fill, in_order
from arrears.settings import Settings
from arrears.source.contract import BY_NAME, SOURCE_SCHEMA, TABLES, Table

Progress = Callable[[str, int], None]
"""Called with a table's name and the rows that landed, after each table."""

ABANDONED = "left undecided: a later load began before its gate ended"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LandedTable:
    """What a batch brought of one table."""

    name: str
    is_full: bool
    """Compared as a whole; otherwise what changed since the last passed batch."""
    source_rows: int
    landed_rows: int
    returned_rows: int = 0
    """Rows that came back from quarantine because their parent is in this batch."""
    disappeared_rows: int = 0


@dataclass(frozen=True)
class LandedBatch:
    """A committed load, not yet judged by its gate."""

    batch_id: int
    generation: int
    as_of: date
    tables: tuple[LandedTable, ...]
    notes: tuple[str, ...] = ()
    """What is odd and does no harm: columns that the contract does not know."""

    @property
    def landed_rows(self) -> int:
        return sum(table.landed_rows for table in self.tables)


@dataclass(frozen=True)
class _Plan:
    """How one table is read."""

    table: Table
    passed: list[int]
    """The passed batches of this generation: what landing is known to hold."""
    is_first: bool
    is_whole: bool
    since: datetime | None
    """Rows that changed after this are read (and those that do not say when they changed)."""
    previous_rows: int | None
    erasures: ErasureKey | None
    """Set where customers were erased: their rows are translated before they land."""
    is_counted: bool


@dataclass(frozen=True)
class _SourceFigures:
    rows: int | None
    """None: not counted."""
    newest_changed_at: datetime | None


def load_batch(
    source: Connection,
    warehouse: Connection,
    *,
    as_of: date,
    run_id: str | None,
    settings: Settings,
    tables: Sequence[str] | None = None,
    is_counted: bool = True,
    progress: Progress | None = None,
) -> LandedBatch:
    """Load one batch. Commits on `warehouse`; rolls back whatever was open on either connection.

    The source is read in one snapshot. The batch is `landed` and counts for nothing until `check_batch` has passed it;
    an earlier batch that no gate has decided (its run was killed) is aborted here.

    Args:
        run_id: The Airflow run, for the ledger.
        tables: Names of the contract's tables; all by default.
        is_counted: Whether the rows of the source are counted, which reads its tables whole. Without it the load asks
            for what changed and nothing else, so that it can run every few minutes: rows that disappeared or came
            with an old changed-at are left for the next load that counts.

    Raises:
        SchemaDriftError: the source's tables are not the contract's. Nothing was loaded.
        ConfigurationError: a table that the contract does not know.
    """
    chosen = _choose(tables)
    with _transaction(warehouse) as cursor:
        # One load at a time. Released by commit and rollback, so a killed load leaves no lock behind.
        cursor.execute("select pg_advisory_xact_lock(hashtext('arrears.landing'))")
        # A later load has the higher row numbers, even on a connection that still holds some from an earlier one.
        cursor.execute("discard sequences")
        generation = _newest_generation(cursor)
        _abandon_undecided(cursor)
        erasures = key_if_needed(cursor, settings)
        plans = [_plan(cursor, table, generation, settings, erasures, is_counted) for table in chosen]
        # Before the snapshot: what is replaced in the source after this instant is replaced after the batch.
        batch_id = _insert_batch(cursor, generation, as_of, run_id)
        landed = []
        with _snapshot(source):
            notes = check_source(source, chosen)
            for plan in plans:
                landed.append(_load_table(source, warehouse, cursor, plan, batch_id))
                if progress is not None:
                    progress(plan.table.name, landed[-1].landed_rows)
    for note in notes:
        _log.warning(note)
    return LandedBatch(batch_id, generation, as_of, tuple(landed), tuple(notes))


def _choose(names: Sequence[str] | None) -> list[Table]:
    unknown = sorted(set(names or ()) - BY_NAME.keys())
    if unknown:
        raise ConfigurationError(f"tables {unknown} are not in the source contract; it knows {sorted(BY_NAME)}")
    return [
        BY_NAME[name] for name in in_order([table.name for table in TABLES if names is None or table.name in names])
    ]


@contextmanager
def _snapshot(source: Connection) -> Iterator[None]:
    """All tables as of one instant, and in one encoding whatever the bank prefers (psycopg2 asks for ISO dates)."""
    source.rollback()
    source.set_client_encoding("UTF8")
    try:
        with source.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
            yield
    finally:
        source.rollback()


@contextmanager
def _transaction(warehouse: Connection) -> Iterator[Cursor]:
    warehouse.rollback()
    warehouse.set_client_encoding("UTF8")
    with warehouse, warehouse.cursor() as cursor:
        yield cursor


def _newest_generation(cursor: Cursor) -> int:
    """The newest generation; a bank's own feed, which nobody loaded by hand, begins as generation 1."""
    cursor.execute(
        "insert into ops.source_generation (generation, mode, description)"
        " select 1, 'feed', 'core banking' where not exists (select from ops.source_generation)"
    )
    cursor.execute("select max(generation) from ops.source_generation")
    return int(cursor.fetchall()[0][0])


def _abandon_undecided(cursor: Cursor) -> None:
    """A batch whose run was killed before its gate ended must neither count nor block."""
    cursor.execute(
        "update ops.load_batch set state = 'aborted', decided_at = clock_timestamp(), reason = %s"
        " where state = 'landed'",
        (ABANDONED,),
    )


def _plan(
    cursor: Cursor,
    table: Table,
    generation: int,
    settings: Settings,
    erasures: ErasureKey | None,
    is_counted: bool,
) -> _Plan:
    cursor.execute(
        "select batch.batch_id, loaded.newest_changed_at, loaded.source_rows, exists ("
        "  select from ops.source_load as replaced where replaced.generation = batch.generation"
        "  and replaced.table_name = loaded.table_name and replaced.loaded_at >= batch.started_at)"
        " from ops.load_batch as batch inner join ops.load_table as loaded on batch.batch_id = loaded.batch_id"
        " where batch.generation = %s and batch.state = 'passed' and loaded.table_name = %s order by batch.batch_id",
        (generation, table.name),
    )
    loads = cursor.fetchall()
    newest = max((changed_at for _, changed_at, _, _ in loads if changed_at is not None), default=None)
    return _Plan(
        table=table,
        passed=[batch_id for batch_id, *_ in loads],
        is_first=not loads,
        is_whole=not loads or newest is None or bool(loads[-1][3]),
        since=newest - timedelta(minutes=settings.overlap_minutes) if newest else None,
        previous_rows=loads[-1][2] if loads else None,
        erasures=erasures,
        is_counted=is_counted or not loads or newest is None or bool(loads[-1][3]),
    )


def _insert_batch(cursor: Cursor, generation: int, as_of: date, run_id: str | None) -> int:
    cursor.execute(
        "insert into ops.load_batch (generation, as_of, run_id) values (%s, %s, %s) returning batch_id",
        (generation, as_of, run_id),
    )
    return int(cursor.fetchall()[0][0])


def _load_table(source: Connection, warehouse: Connection, cursor: Cursor, plan: _Plan, batch_id: int) -> LandedTable:
    figures = _measure_source(source, plan.table) if plan.is_counted else _newest_change(source, plan.table)
    if plan.is_first:
        landed = _load_first(source, warehouse, cursor, plan, batch_id)
        is_full, disappeared = True, 0
    else:
        landed, is_full, disappeared = _load_changes(source, warehouse, cursor, plan, batch_id, figures)
    rows = figures.rows
    if rows is None:
        # As many as there were and those that are new: what the next load that counts compares with.
        rows = (plan.previous_rows or 0) + _count_new_keys(cursor, plan, batch_id)
    returned = _return_rows(cursor, plan, batch_id)
    cursor.execute(
        "insert into ops.load_table (batch_id, table_name, is_full, source_rows, landed_rows, returned_rows,"
        " disappeared_rows, newest_changed_at) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (batch_id, plan.table.name, is_full, rows, landed, returned, disappeared, figures.newest_changed_at),
    )
    return LandedTable(plan.table.name, is_full, rows, landed, returned, disappeared)


def _measure_source(source: Connection, table: Table) -> _SourceFigures:
    """Rows and the newest change. A change dated in the future does not count: it would hide all later ones."""
    statement = sql.SQL(
        "select count(*), max({changed_at}) filter (where {changed_at} <= transaction_timestamp()) from {source}"
    ).format(changed_at=sql.Identifier(table.changed_at), source=sql.Identifier(SOURCE_SCHEMA, table.name))
    with source.cursor() as cursor:
        cursor.execute(statement)
        rows, newest = cursor.fetchall()[0]
    return _SourceFigures(int(rows), newest)


def _newest_change(source: Connection, table: Table) -> _SourceFigures:
    """The newest change alone: the end of an index, where the source has one on its changed-at."""
    statement = sql.SQL("select max({changed_at}) from {source} where {changed_at} <= transaction_timestamp()").format(
        changed_at=sql.Identifier(table.changed_at), source=sql.Identifier(SOURCE_SCHEMA, table.name)
    )
    with source.cursor() as cursor:
        cursor.execute(statement)
        return _SourceFigures(None, cursor.fetchall()[0][0])


def _load_first(source: Connection, warehouse: Connection, cursor: Cursor, plan: _Plan, batch_id: int) -> int:
    """Everything, straight into landing. The gate, which is the first to look rows up, makes the indexes."""
    table = plan.table
    landing = sql.Identifier("landing", table.name)
    read = sql.SQL("copy (select {batch}, {columns} from {source}) to stdout").format(
        batch=sql.Literal(batch_id), columns=columns(table), source=sql.Identifier(SOURCE_SCHEMA, table.name)
    )
    write = sql.SQL("copy {landing} (_batch_id, {columns}) from stdin").format(landing=landing, columns=columns(table))
    landed = copy_rows(source, read, warehouse, write)
    if plan.erasures is None:
        return landed
    return landed - translate(cursor, table, landing, plan.erasures, batch_id)


def _load_changes(
    source: Connection, warehouse: Connection, cursor: Cursor, plan: _Plan, batch_id: int, figures: _SourceFigures
) -> tuple[int, bool, int]:
    """What changed since the last passed batch; the whole table where it was replaced or the counts do not add up."""
    landed = 0
    if not plan.is_whole:
        landed = _land(source, warehouse, cursor, plan, batch_id, since=plan.since)
        if figures.rows is None:
            return landed, False, 0
        # The source should have grown by the keys that are new to us. By fewer: rows disappeared. By more: rows came
        # that did not say so (changed before the overlap), and only a look at the whole table finds them.
        missing = _count_new_keys(cursor, plan, batch_id) - (figures.rows - (plan.previous_rows or 0))
        if missing >= 0:
            return landed, False, missing
        _log.warning(
            "%s: %s rows came with an old %s; the table is compared whole",
            plan.table.name,
            -missing,
            plan.table.changed_at,
        )
    landed += _land(source, warehouse, cursor, plan, batch_id, since=None)
    return landed, True, _count_gone(cursor, plan)


def _land(
    source: Connection, warehouse: Connection, cursor: Cursor, plan: _Plan, batch_id: int, *, since: datetime | None
) -> int:
    """Read rows into a temporary table, then land those that landing does not have to the letter."""
    table = plan.table
    incoming = sql.Identifier("pg_temp", INCOMING)
    cursor.execute(sql.SQL("drop table if exists {}").format(incoming))
    cursor.execute(
        sql.SQL("create temporary table {} on commit drop as select {} from {} with no data").format(
            sql.Identifier(INCOMING), columns(table), sql.Identifier("landing", table.name)
        )
    )
    changed_at = sql.Identifier(table.changed_at)
    changed = sql.SQL("({0} > {1} or {0} is null)").format(changed_at, sql.Literal(since)) if since else sql.SQL("true")
    read = sql.SQL("copy (select {} from {} where {}) to stdout").format(
        columns(table), sql.Identifier(SOURCE_SCHEMA, table.name), changed
    )
    write = sql.SQL("copy {} ({}) from stdin").format(incoming, columns(table))
    copy_rows(source, read, warehouse, write)
    if plan.erasures is not None:
        translate(cursor, table, incoming, plan.erasures)
    cursor.execute(sql.SQL("analyze {}").format(incoming))
    present = sql.Identifier("present", table.changed_at)
    window = sql.SQL("({0} > {1} or {0} is null)").format(present, sql.Literal(since)) if since else sql.SQL("true")
    known = [*plan.passed, batch_id]  # this batch's own rows are there when a table is read a second time
    cursor.execute(fill("land_changes.sql", table, window=window), {"batch_id": batch_id, "passed": known})
    return int(cursor.rowcount)


def _count_new_keys(cursor: Cursor, plan: _Plan, batch_id: int) -> int:
    cursor.execute(fill("count_new_keys.sql", plan.table), {"batch_id": batch_id, "passed": plan.passed})
    return int(cursor.fetchall()[0][0])


def _count_gone(cursor: Cursor, plan: _Plan) -> int:
    cursor.execute(fill("count_disappeared.sql", plan.table), {"passed": plan.passed})
    return int(cursor.fetchall()[0][0])


def _return_rows(cursor: Cursor, plan: _Plan, batch_id: int) -> int:
    """Land again what was rejected for its parent, where the parent is in this batch."""
    returned = 0
    for parent in PARENTS.get(plan.table.name, ()):
        statement = fill(
            "return_rows.sql",
            plan.table,
            parent=sql.Identifier("landing", parent.table),
            parent_column=sql.Identifier(parent.key),
            child_column=sql.Identifier(parent.column),
        )
        cursor.execute(statement, {"batch_id": batch_id, "passed": plan.passed, "reasons": list(PARENT_REASONS)})
        returned += cursor.rowcount
    return returned

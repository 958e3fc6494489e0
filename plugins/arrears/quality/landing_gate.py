"""The gate on landing: judge a landed batch, set bad rows aside, and let it pass or abort it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.errors import GateBrokenError, GateError
from arrears.landing_tables import fill, in_order, make_searchable, mark_superseded
from arrears.quality.rules import SUITES_DIR, GateReport, Rule, RuleResult, Severity, Value, read_suite
from arrears.quality.suites import on_no_rows, read_report, record, red_rules, run_on_table
from arrears.settings import Settings
from arrears.source.contract import BY_NAME, TABLES

_Results = Mapping[str, list[RuleResult]]


@dataclass(frozen=True)
class _Batch:
    batch_id: int
    as_of: date
    state: str
    reason: str | None
    tables: tuple[str, ...]
    idle_tables: frozenset[str]
    """Those of which the batch brought no row: their rules, all about its rows, have nothing to find."""


def check_batch(
    warehouse: Connection,
    *,
    batch_id: int,
    settings: Settings,
    docs_dir: Path | None = None,
    suites_dir: Path = SUITES_DIR,
) -> GateReport:
    """Judge a batch by the suites `landing.*`. Commits; running it again for a decided batch only tells the outcome.

    Green: in one transaction the batch is `passed`, its bad rows are in `quarantine.<table>` and the results in
    `ops.quality_results`. Red: the results are kept, the batch is `aborted`, its bad rows stay listed in
    `ops.gate_reject`. A gate that breaks or is killed leaves the batch `landed`: run it again.

    Raises:
        GateError: the batch is aborted; the message has the rules and figures.
        GateBrokenError: no such batch, or a rule could not be run as written. Nothing was decided.
    """
    warehouse.rollback()
    with _one_gate_at_a_time(warehouse):
        batch = _read_batch(warehouse, batch_id)
        if batch.state == "landed":
            results = _judge(warehouse, batch, settings, docs_dir, suites_dir)
            _decide(warehouse, batch, results)
            batch = _read_batch(warehouse, batch_id)
        if batch.state == "aborted":
            raise GateError(f"load batch {batch_id} is aborted: {batch.reason}")
        return _report(warehouse, batch)


@contextmanager
def _one_gate_at_a_time(warehouse: Connection) -> Iterator[None]:
    """The lock lasts over the gate's commits and goes with the connection when the process is killed."""
    with warehouse.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(hashtext('arrears.landing_gate'))")
        warehouse.commit()
        try:
            yield
        finally:
            warehouse.rollback()
            cursor.execute("select pg_advisory_unlock(hashtext('arrears.landing_gate'))")
            warehouse.commit()


def _read_batch(warehouse: Connection, batch_id: int) -> _Batch:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select as_of, state, reason from ops.load_batch where batch_id = %s", (batch_id,))
        found = cursor.fetchall()
        if not found:
            raise GateBrokenError(f"load batch {batch_id} is not in ops.load_batch: was it loaded into this warehouse?")
        cursor.execute(
            "select table_name, landed_rows + returned_rows from ops.load_table where batch_id = %s", (batch_id,)
        )
        tables = dict(cursor.fetchall())
    ordered = in_order([table.name for table in TABLES if table.name in tables])
    as_of, state, reason = found[0]
    idle = frozenset(name for name, rows in tables.items() if rows == 0)
    return _Batch(batch_id, as_of, state, reason, tuple(ordered), idle)


def _judge(
    warehouse: Connection, batch: _Batch, settings: Settings, docs_dir: Path | None, suites_dir: Path
) -> dict[str, list[RuleResult]]:
    from arrears.quality.engine import Session

    parameters = _parameters(batch, settings)
    reference = f"batch-{batch.batch_id}"
    with warehouse, warehouse.cursor() as cursor:
        _forget_findings(cursor, batch)
        cursor.execute("select table_name from ops.load_table where batch_id = %s and is_full", (batch.batch_id,))
        for (name,) in cursor.fetchall():
            make_searchable(cursor, BY_NAME[name])
        for name in set(batch.tables) - batch.idle_tables:
            cursor.execute(
                sql.SQL("insert into ops.gate_repeat select {}, {}, found.* from {}({}) as found").format(
                    sql.Literal(batch.batch_id),
                    sql.Literal(name),
                    sql.Identifier("landing", f"find_repeated_{name}"),
                    sql.Literal(batch.batch_id),
                )
            )
    results = {}
    with Session(suites_dir=suites_dir, docs_dir=docs_dir) as session:

        def run(subject: str, relation: str, table: str | None = None) -> None:
            suite = read_suite(f"landing.{subject}", suites_dir=suites_dir, parameters=parameters, connection=warehouse)
            if table in batch.idle_tables:
                results[subject] = on_no_rows(suite)
                return
            counter = _Rejecter(batch.batch_id, table) if table else None
            results[subject] = run_on_table(
                session, warehouse, suite, relation, reference=reference, count_rows=counter
            )

        run("batch", "ops.load_figures")
        # Parents first: a child's suite asks which parents were rejected.
        for table in batch.tables:
            run(table, f"landing.{table}", table)
        run("rejects", "ops.reject_figures")
    return results


def _forget_findings(cursor: Cursor, batch: _Batch) -> None:
    for table in ("gate_reject", "gate_repeat"):
        cursor.execute(
            sql.SQL("delete from {} where batch_id = %s").format(sql.Identifier("ops", table)), (batch.batch_id,)
        )


def _parameters(batch: _Batch, settings: Settings) -> dict[str, Value]:
    return {
        "batch_id": batch.batch_id,
        "bank_time_zone": settings.bank_time_zone,
        "required_tables": [table.name for table in TABLES if table.required],
        "feed_tables": list(settings.feed_tables),
        "volume_drop_limit": settings.volume_drop_limit,
        "reject_count_limit": settings.reject_count_limit,
        "reject_share_limit": settings.reject_share_limit,
    }


@dataclass(frozen=True)
class _Rejecter:
    """Counts a rule's rows by listing them as rejects, so that what is counted is what will be set aside."""

    batch_id: int
    table: str

    def __call__(self, warehouse: Connection, rule: Rule, relation: str) -> int:
        query = sql.SQL(rule.query_on(relation))
        with warehouse.cursor() as cursor:
            if rule.severity is not Severity.REJECT:
                cursor.execute(sql.SQL("select count(*) from ({}) as failing").format(query))
                return int(cursor.fetchall()[0][0])
            cursor.execute(
                sql.SQL(
                    "insert into ops.gate_reject (batch_id, table_name, row_id, rule_id, reason_code)"
                    " select {}, {}, failing._row_id, {}, {} from ({}) as failing"
                ).format(*map(sql.Literal, (self.batch_id, self.table, rule.rule_id, rule.reason_code)), query)
            )
            return int(cursor.rowcount)


def _decide(warehouse: Connection, batch: _Batch, results: _Results) -> None:
    red = red_rules(results)
    with warehouse, warehouse.cursor() as cursor:
        _require_undecided(cursor, batch)
        for subject, of_subject in results.items():
            record(
                warehouse,
                border="landing",
                subject=subject,
                reference=str(batch.batch_id),
                as_of=batch.as_of,
                results=of_subject,
            )
        cursor.execute(
            "update ops.load_table as loaded set rejected_rows ="
            " (select count(distinct reject.row_id) from ops.gate_reject as reject"
            " where reject.batch_id = loaded.batch_id and reject.table_name = loaded.table_name)"
            " where loaded.batch_id = %s",
            (batch.batch_id,),
        )
        if not red:
            _set_aside(cursor, batch)
        cursor.execute(
            "update ops.load_batch set state = %s, reason = %s, decided_at = clock_timestamp() where batch_id = %s",
            ("aborted" if red else "passed", red or None, batch.batch_id),
        )


def _require_undecided(cursor: Cursor, batch: _Batch) -> None:
    cursor.execute("select state, reason from ops.load_batch where batch_id = %s for update", (batch.batch_id,))
    state, reason = cursor.fetchall()[0]
    if state != "landed":
        raise GateError(f"load batch {batch.batch_id} was {state} while its gate ran: {reason}. Load again")


def _set_aside(cursor: Cursor, batch: _Batch) -> None:
    for name in batch.tables:
        cursor.execute(fill("quarantine.sql", BY_NAME[name]), {"batch_id": batch.batch_id})
        mark_superseded(cursor, BY_NAME[name], batch.batch_id)
    _forget_findings(cursor, batch)


def _report(warehouse: Connection, batch: _Batch) -> GateReport:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select table_name, rejected_rows from ops.load_table where batch_id = %s and rejected_rows > 0",
            (batch.batch_id,),
        )
        rejected = dict(cursor.fetchall())
    return read_report(
        warehouse,
        border="landing",
        reference=str(batch.batch_id),
        what=f"load batch {batch.batch_id}",
        rejected=rejected,
    )

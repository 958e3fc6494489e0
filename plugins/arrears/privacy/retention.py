"""Erase what the retention policy no longer allows us to keep, kind by kind, and count again what is left.

Each kind is a transaction (customers: one for each thousand); a run that is killed is put right by the next, which
finds what is still due. What law asks us to keep stays and is counted too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import psycopg2.extensions
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.errors import ArrearsError
from arrears.privacy.duties import duties
from arrears.privacy.erase import erase, rename_recordings
from arrears.privacy.policy import CLASSES, Rule, longest, read_policy
from arrears.privacy.warehouse import statement
from arrears.settings import Settings
from arrears.source.contract import TABLES, Table

CUSTOMERS_AT_ONCE = 1_000

Values = Mapping[str, object]


class RetentionError(ArrearsError):
    """Something is past its time and still there: the run ends red."""


@dataclass(frozen=True)
class ClassResult:
    """What a run did to one kind of data."""

    data_class: str
    erased: int
    kept_by_duty: int
    still_due: int | None
    """Counted again at the end; None until then."""
    rule: str


def erase_past_retention(warehouse: psycopg2.extensions.connection, *, as_of: date, settings: Settings) -> int:
    """Erase all that is due on a day, copies on vendors' servers aside (see `vendor_copies`). Commits kind by kind.

    Returns:
        The run's number in `ops.retention_run`.

    Raises:
        ConfigurationError: the policy is missing or wrong; nothing was erased.
    """
    rules = read_policy(settings.policy_dir, as_of)
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("insert into ops.retention_run (as_of) values (%s) returning run_id", (as_of,))
        run_id = int(cursor.fetchall()[0][0])
    for data_class in CLASSES:
        if data_class == "customer":
            erased, kept, rule = *_erase_customers(warehouse, rules, as_of, settings), "by jurisdiction"
        else:
            applied = longest(rules, data_class)
            with warehouse, warehouse.cursor() as cursor:
                erased, kept = _clear(cursor, data_class, _values(applied, as_of, settings)), 0
            rule = f"{applied.erased_after_days} days: {applied.source}"
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute(
                "insert into ops.retention_result (run_id, data_class, erased, kept_by_duty, rule)"
                " values (%s, %s, %s, %s, %s)",
                (run_id, data_class, erased, kept, rule),
            )
    return run_id


def finish_run(warehouse: psycopg2.extensions.connection, *, run_id: int, settings: Settings) -> list[ClassResult]:
    """Count what is still due, in every place and on vendors' servers, and note it: the report. Commits."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select as_of from ops.retention_run where run_id = %s", (run_id,))
        as_of: date = cursor.fetchall()[0][0]
        rules = read_policy(settings.policy_dir, as_of)
        for data_class in CLASSES:
            if data_class == "customer":
                still_due = len(_due_customers(cursor, rules, as_of, settings)[0])
            else:
                still_due = _due(cursor, data_class, _values(longest(rules, data_class), as_of, settings))
            cursor.execute(
                "update ops.retention_result set still_due = %s where run_id = %s and data_class = %s",
                (still_due, run_id, data_class),
            )
        cursor.execute("update ops.retention_run set finished_at = clock_timestamp() where run_id = %s", (run_id,))
        cursor.execute(
            "select data_class, erased, kept_by_duty, still_due, rule from ops.retention_result where run_id = %s"
            " order by array_position(%s, data_class)",
            (run_id, list(CLASSES)),
        )
        return [ClassResult(*row) for row in cursor.fetchall()]


def report(as_of: date, results: Sequence[ClassResult]) -> str:
    """The report as text: for logs and for paper. Holds counts and rules only."""
    lines = [f"Retention on {as_of}", f"{'kind':<20}{'erased':>10}{'kept by duty':>14}{'still due':>11}  rule"]
    lines += [f"{r.data_class:<20}{r.erased:>10}{r.kept_by_duty:>14}{r.still_due or 0:>11}  {r.rule}" for r in results]
    return "\n".join(lines)


def require_nothing_due(results: Sequence[ClassResult]) -> None:
    """Raises:
    RetentionError: something is still due.
    """
    due = [f"{result.data_class}: {result.still_due}" for result in results if result.still_due]
    if due:
        raise RetentionError(
            f"past their time and not erased: {', '.join(due)}; clear the task that failed, see ops.retention_result"
        )


# Customers ----------------------------------------------------------------------------------------------------------


def _erase_customers(
    warehouse: psycopg2.extensions.connection, rules: Sequence[Rule], as_of: date, settings: Settings
) -> tuple[int, int]:
    with warehouse, warehouse.cursor() as cursor:
        due, kept = _due_customers(cursor, rules, as_of, settings)
    for start in range(0, len(due), CUSTOMERS_AT_ONCE):
        erase(warehouse, due[start : start + CUSTOMERS_AT_ONCE], as_of=as_of, cause="retention", settings=settings)
    return len(due), kept


def _due_customers(cursor: Cursor, rules: Sequence[Rule], as_of: date, settings: Settings) -> tuple[list[str], int]:
    """Who is to be erased, and how many are past their time and kept by another duty than time."""
    create_candidates(cursor)
    cursor.execute(statement("candidate_of_all"), {"as_of": as_of})
    standing = duties(cursor, rules, as_of=as_of, settings=settings, is_request=False)
    cursor.execute("select customer_id from pg_temp.candidate order by customer_id")
    candidates = [customer_id for (customer_id,) in cursor.fetchall()]
    kept = sum(1 for found in standing.values() if not any(duty.code == "RETENTION" for duty in found))
    return [customer_id for customer_id in candidates if customer_id not in standing], kept


def create_candidates(cursor: Cursor) -> None:
    """An empty `pg_temp.candidate`, for this transaction. Does not commit."""
    cursor.execute("create temporary table if not exists candidate (customer_id text primary key) on commit drop")
    cursor.execute("truncate pg_temp.candidate")


# All other kinds ----------------------------------------------------------------------------------------------------


def _values(rule: Rule, as_of: date, settings: Settings) -> Values:
    return {
        "as_of": as_of,
        "days": rule.erased_after_days,
        "zone": settings.bank_time_zone,
        "is_legal": rule.data_class == "evidence_file",
    }


def _clear(cursor: Cursor, data_class: str, values: Values) -> int:
    """Erase what is due of one kind; the rows it concerned."""
    rows = 0
    if data_class == "vendor_note":
        cursor.execute(statement("erasing_recordings"), values)
        rows += sum(rename_recordings(cursor).values())
    for query in _statements("clear", data_class):
        cursor.execute(query, values)
        rows += cursor.rowcount
    return rows


def _due(cursor: Cursor, data_class: str, values: Values) -> int:
    """What is due of one kind and not gone."""
    rows = 0
    for query in _statements("due", data_class):
        cursor.execute(query, values)
        rows += int(cursor.fetchall()[0][0])
    return rows


def _statements(verb: str, data_class: str) -> list[sql.Composable]:
    if data_class in ("delivered_file", "evidence_file"):
        return [sql.SQL(statement(f"{verb}_files"))]
    if data_class == "quarantine":
        return [*_for_personal(f"{verb}_quarantined"), sql.SQL(statement(f"{verb}_quarantine_text"))]
    if data_class == "superseded_version":
        return _for_personal(f"{verb}_superseded")
    return [sql.SQL(statement(f"{verb}_{data_class}"))]


def _for_personal(template: str) -> list[sql.Composable]:
    """A template for each contract table with personal columns."""
    alias = "rejected" if template.endswith("quarantined") else "version"
    return [_filled(template, table, alias) for table in TABLES if any(column.personal for column in table.columns)]


def _filled(template: str, table: Table, alias: str) -> sql.Composable:
    personal = [column.name for column in table.columns if column.personal]
    return sql.SQL(statement(template)).format(
        quarantine=sql.Identifier("quarantine", table.name),
        landing=sql.Identifier("landing", table.name),
        table_name=sql.Literal(table.name),
        cleared=sql.SQL(", ").join([sql.SQL("{} = null").format(sql.Identifier(name)) for name in personal]),
        is_filled=sql.SQL(" or ").join(
            [sql.SQL("{} is not null").format(sql.Identifier(alias, name)) for name in personal]
        ),
    )

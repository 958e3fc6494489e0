"""Run an expectation suite on a table or on a frame, keep its results, and stop on red.

The rules live in `expectations/`, one JSON file per suite; `docs/quality.md` explains the format. What Great
Expectations counts on a table is counted a second time by the rule's own text, and the two must agree: its lists of
failing rows are cut silently, so none of them is used anywhere. A rule that could not be run is an error, never a pass.

Importing this module is cheap; Great Expectations (about five seconds) is imported on the first check.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extras import execute_values

from arrears.errors import GateBrokenError, GateError
from arrears.quality.rules import (
    QUERY_TYPE,
    SUITES_DIR,
    GateReport,
    Rule,
    RuleResult,
    Severity,
    Suite,
    Value,
    read_suite,
)

if TYPE_CHECKING:
    import pandas as pd

    from arrears.quality.engine import Outcome, Session

Border = Literal["landing", "marts", "contact_list", "vendor_file"]
CountRows = Callable[[Connection, Rule, str], int]
EXAMPLES = 5
"""So many failing rows are named by their numbers."""

__all__ = [
    "Border",
    "RuleResult",
    "Severity",
    "Value",
    "check_frame",
    "check_table",
    "on_no_rows",
    "open_session",
    "record",
    "require_green",
]


def check_table(
    warehouse: Connection,
    *,
    suite: str,
    relation: str,
    parameters: Mapping[str, Value] | None = None,
    reference: str = "",
    docs_dir: Path | None = None,
    suites_dir: Path = SUITES_DIR,
) -> list[RuleResult]:
    """Run a suite of queries on a table or view. Red rules are in the result; nothing is raised for them.

    Commits the transaction that is open on `warehouse`: Great Expectations reads on a connection of its own.

    Args:
        suite: The suite's name: `marts.fct_loan_delinquency` is `expectations/marts/fct_loan_delinquency.json`.
        relation: What `{batch}` stands for in its queries: `schema.name`.
        parameters: What the other `{names}` in its queries stand for; they become SQL literals.
        reference: Names the run in Data Docs.
        docs_dir: Where Data Docs live; None renders no page.

    Raises:
        GateBrokenError: a rule could not be run as written, or the two counts of its rows differ.
    """
    from arrears.quality.engine import Session

    loaded = read_suite(suite, suites_dir=suites_dir, parameters=parameters, connection=warehouse)
    with Session(suites_dir=suites_dir, docs_dir=docs_dir) as session:
        return run_on_table(session, warehouse, loaded, relation, reference=reference)


def run_on_table(
    session: "Session",
    warehouse: Connection,
    suite: Suite,
    relation: str,
    *,
    reference: str,
    count_rows: CountRows | None = None,
) -> list[RuleResult]:
    """What `check_table` does, in an open session and with another way to count a rule's rows (the landing gate
    counts what it sets aside). Commits."""
    wrong = [rule.rule_id for rule in suite.rules if rule.type != QUERY_TYPE]
    if wrong:
        raise GateBrokenError(
            f"suite {suite.name}: rules on tables are written as {QUERY_TYPE}; these are not: {wrong}"
        )
    try:
        checked = _count_checked(warehouse, suite, relation)
        counted, found = {}, {}
        for rule in suite.rules:
            counted[rule.rule_id] = (count_rows or _count_rows)(warehouse, rule, relation)
            found[rule.rule_id] = _found(warehouse, rule, relation, counted[rule.rule_id], checked)
        warehouse.commit()
    except psycopg2.Error as error:
        warehouse.rollback()
        raise GateBrokenError(f"suite {suite.name} could not be run: {str(error).splitlines()[0]}") from error
    outcomes = session.validate_relation(suite, relation, warehouse)
    page = session.render(suite, reference, found)
    results = []
    for rule in suite.rules:
        outcome, rows = outcomes[rule.rule_id], counted[rule.rule_id]
        if outcome.failed_rows != rows:
            raise GateBrokenError(
                f"gate {suite.name}, rule {rule.rule_id}: expected both counts of failing rows to agree, found "
                f"{outcome.failed_rows} by Great Expectations and {rows} by the rule's own query; nothing was decided"
            )
        results.append(_result(rule, outcome.success, checked, rows, found[rule.rule_id], page))
    return results


def on_no_rows(suite: Suite) -> list[RuleResult]:
    """The results of a suite about rows of which there are none: each rule holds, and nothing is run."""
    return [_result(rule, True, 0, 0, "0 of 0 rows", None) for rule in suite.rules]


def open_session(*, docs_dir: Path | None, suites_dir: Path = SUITES_DIR) -> "Session":
    """One session for several checks, to be used in `with`: its pages are rendered together at the end."""
    from arrears.quality.engine import Session

    return Session(suites_dir=suites_dir, docs_dir=docs_dir)


def check_frame(
    *,
    suite: str,
    frame: "pd.DataFrame",
    reference: str = "",
    docs_dir: Path | None = None,
    suites_dir: Path = SUITES_DIR,
    session: "Session | None" = None,
) -> list[RuleResult]:
    """Run a suite of Great Expectations' own expectations on a frame. Red rules are in the result, with the exact
    positions of the failing rows; nothing is raised for them.

    A red `abort` rule about the columns (`expect_table_column…`) ends the check: the result then holds only such rules.

    Args:
        session: An open one (`open_session`), in place of one for this check alone; `docs_dir` is then its own.

    Raises:
        GateBrokenError: a rule could not be run as written (a column that it names is absent, for example).
    """
    loaded = read_suite(suite, suites_dir=suites_dir)
    opened: AbstractContextManager[Session] = (
        nullcontext(session) if session else open_session(docs_dir=docs_dir, suites_dir=suites_dir)
    )
    with opened as running:
        outcomes = running.validate_frame(loaded, frame)
        found = {rule_id: _found_in_frame(outcome, len(frame)) for rule_id, outcome in outcomes.items()}
        page = running.render(loaded, reference, found)
    results = []
    for rule in (rule for rule in loaded.rules if rule.rule_id in outcomes):
        outcome = outcomes[rule.rule_id]
        result = _result(rule, outcome.success, len(frame), outcome.failed_rows, found[rule.rule_id], page)
        results.append(replace(result, positions=outcome.positions))
    return results


def record(
    warehouse: Connection,
    *,
    border: Border,
    subject: str,
    reference: str,
    as_of: date | None,
    results: Sequence[RuleResult],
) -> None:
    """Keep results in `ops.quality_results` in place of earlier ones of the same border, subject and reference.

    Does not commit: results belong to the transaction of what was decided by them.
    """
    rows = [
        (border, subject, reference, as_of, result.rule_id, str(result.severity), result.success)
        + (result.checked_rows, result.failed_rows, result.expected, result.found, result.docs_path)
        for result in results
    ]
    with warehouse.cursor() as cursor:
        cursor.execute(
            "delete from ops.quality_results where border = %s and subject = %s and reference = %s",
            (border, subject, reference),
        )
        execute_values(
            cursor,
            "insert into ops.quality_results (border, subject, reference, as_of, rule_id, severity, success,"
            " checked_rows, failed_rows, expected, found, docs_path) values %s",
            rows,
        )


def require_green(results: Sequence[RuleResult], *, what: str) -> None:
    """Stop when any rule of severity `abort` is red. Red `reject` and `warn` rules are the caller's to act on.

    Args:
        what: Names what was checked, for the message: `contact list sms-demo_sms-20200415-01`.

    Raises:
        GateError: with every red rule, what it expected and the figures that it found.
    """
    red = [str(result) for result in results if result.severity is Severity.ABORT and not result.success]
    if red:
        raise GateError(f"{what} is stopped at the gate: " + "; ".join(red))


def red_rules(results: Mapping[str, Sequence[RuleResult]]) -> str:
    """What a gate over several subjects is red for, as one text; empty when it is green."""
    return "; ".join(
        f"{subject}.{result}"
        for subject, of_subject in results.items()
        for result in of_subject
        if result.severity is Severity.ABORT and not result.success
    )


def read_report(
    warehouse: Connection, *, border: Border, reference: str, what: str, rejected: Mapping[str, int] | None = None
) -> GateReport:
    """The report of a gate that was green, from the results that it recorded."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select subject, rule_id, severity = 'warn' and not success, expected, found from ops.quality_results"
            " where border = %s and reference = %s order by result_id",
            (border, reference),
        )
        results = cursor.fetchall()
    warnings = tuple(
        f"{subject}.{rule_id}: expected {expected}, found {found}"
        for subject, rule_id, is_warning, expected, found in results
        if is_warning
    )
    return GateReport(what, len(results), warnings, rejected or {})


def _result(rule: Rule, success: bool, checked: int, failed: int, found: str, page: str | None) -> RuleResult:
    return RuleResult(
        rule_id=rule.rule_id,
        reason_code=rule.reason_code,
        severity=rule.severity,
        success=success,
        checked_rows=checked,
        failed_rows=failed,
        expected=rule.expected,
        found=found,
        docs_path=page,
    )


def _count_checked(warehouse: Connection, suite: Suite, relation: str) -> int:
    return _scalar(warehouse, f"select count(*) from {relation} where {suite.scope}")  # noqa: S608  (a suite's own text)


def _count_rows(warehouse: Connection, rule: Rule, relation: str) -> int:
    return _scalar(warehouse, f"select count(*) from ({rule.query_on(relation)}) as failing")  # noqa: S608


def _found(warehouse: Connection, rule: Rule, relation: str, failed: int, checked: int) -> str:
    if not rule.has_figures:
        return _counted(failed, checked, _row_ids(warehouse, rule, relation) if failed else ())
    if failed == 0:
        return "as expected"
    with warehouse.cursor() as cursor:
        cursor.execute(
            f"select string_agg(failing.found, '; ' order by failing.found) from ({rule.query_on(relation)}) as failing"  # noqa: S608
        )
        return str(cursor.fetchall()[0][0])


def _row_ids(warehouse: Connection, rule: Rule, relation: str) -> list[int]:
    """The first failing rows by the number that they landed under; none where the rule's query does not give it."""
    with warehouse.cursor() as cursor:
        # Without parameters: a rule's text may hold a %.
        cursor.execute(
            "select distinct cast(to_jsonb(failing) ->> '_row_id' as bigint) as row_id"  # noqa: S608
            f" from ({rule.query_on(relation)}) as failing order by row_id limit {EXAMPLES}"
        )
        return [row_id for (row_id,) in cursor.fetchall() if row_id is not None]


def _counted(failed: int, checked: int, numbers: Sequence[int]) -> str:
    """How many rows failed, and the numbers of some of them: a row's number says nothing of whom it is about."""
    if not numbers:
        return f"{failed} of {checked} rows"
    some = ", ".join(map(str, numbers[:EXAMPLES]))
    return f"{failed} of {checked} rows ({'row' if failed == 1 else 'rows'} {some}{', …' if failed > EXAMPLES else ''})"


def _found_in_frame(outcome: "Outcome", checked: int) -> str:
    if not outcome.is_row_level:
        return _summary(outcome)
    return _counted(outcome.failed_rows, checked, [position + 1 for position in outcome.positions[:EXAMPLES]])


def _scalar(warehouse: Connection, query: str) -> int:
    with warehouse.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchall()[0][0])


def _summary(outcome: "Outcome") -> str:
    return outcome.observed or ("as expected" if outcome.success else "something else (values are not shown)")

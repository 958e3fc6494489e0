"""The gate on the marts: identities that must hold, and tiers whose size swings too far. It stops before any list."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import GateBrokenError, GateError, TierSwingError
from arrears.quality.rules import SUITES_DIR, GateReport, RuleResult, Severity, Value, read_suite
from arrears.quality.suites import read_report, record, red_rules, run_on_table
from arrears.settings import Settings

MARTS = ("fct_loan_delinquency", "delinquency_tier", "fct_contact_decision")
"""The marts under check; each has a suite `marts.<name>`."""

_CONTROL_LIMITS: dict[str, Value] = {
    # A month of days, so that what happens on every due date is usual.
    "history_days": 31,
    "least_days": 10,
    "deviations": 4,
    # A swing below either of these is no reason to hold back a day's work, however quiet the days before were.
    "portfolio_share": 0.05,
    "least_loans": 20,
}


@dataclass(frozen=True)
class _Build:
    build_id: int
    as_of: date
    generation: int
    state: str


def check_marts(
    warehouse: Connection,
    *,
    as_of: date,
    build_id: int,
    settings: Settings,
    docs_dir: Path | None = None,
    suites_dir: Path = SUITES_DIR,
) -> GateReport:
    """Judge the marts of a day by the suites `marts.*` and mark the build `passed` or `failed`. Commits.

    A build that has passed stays passed, and its report is told again; one that failed is judged again.

    Raises:
        GateError: an identity is broken; the build is `failed`.
        TierSwingError: nothing else is wrong than that a tier swings too far; the build is `failed`.
        GateBrokenError: no such build of that day, or a rule could not be run. Nothing was decided.
    """
    warehouse.rollback()
    build = _read_build(warehouse, build_id)
    if build.as_of != as_of:
        raise GateBrokenError(f"mart build {build_id}: expected a build for {as_of}, found one for {build.as_of}")
    if build.state != "passed":
        results = _judge(warehouse, build, docs_dir, suites_dir)
        red = _decide(warehouse, build, results)
        if red:
            error = TierSwingError if _is_swing_alone(results) else GateError
            raise error(f"mart build {build_id} for {as_of} failed its gate: {red}")
    return read_report(warehouse, border="marts", reference=str(build_id), what=f"mart build {build_id}")


def _read_build(warehouse: Connection, build_id: int) -> _Build:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select as_of, generation, state from ops.mart_build where build_id = %s", (build_id,))
        found = cursor.fetchall()
    if not found:
        raise GateBrokenError(
            f"mart build {build_id} is not in ops.mart_build: were the marts built in this warehouse?"
        )
    as_of, generation, state = found[0]
    return _Build(build_id, as_of, generation, state)


def _judge(
    warehouse: Connection, build: _Build, docs_dir: Path | None, suites_dir: Path
) -> dict[str, list[RuleResult]]:
    from arrears.quality.engine import Session

    loans = _loans_of(warehouse, build.as_of)
    parameters: dict[str, Value] = _CONTROL_LIMITS | {
        "as_of": build.as_of,
        "generation": build.generation,
        "loans": sql.Identifier(*loans.split(".")),
    }
    results = {}
    with (
        _copied_decisions(warehouse, build) as decisions,
        Session(suites_dir=suites_dir, docs_dir=docs_dir) as session,
    ):
        relations = {"fct_loan_delinquency": loans, "fct_contact_decision": decisions}
        for mart in MARTS:
            suite = read_suite(f"marts.{mart}", suites_dir=suites_dir, parameters=parameters, connection=warehouse)
            relation = relations.get(mart, f"marts.{mart}")
            results[mart] = run_on_table(session, warehouse, suite, relation, reference=f"build-{build.build_id}")
    return results


def _loans_of(warehouse: Connection, as_of: date) -> str:
    """Where the day's loans are: the mart keeps the newest day only, so an older one is found a step before it."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select max(as_of) from marts.fct_loan_delinquency")
        newest = cursor.fetchall()[0][0]
    return "marts.fct_loan_delinquency" if newest in (None, as_of) else "intermediate.int_loans__delinquency"


@contextmanager
def _copied_decisions(warehouse: Connection, build: _Build) -> Iterator[str]:
    """The day's decisions as a table, for the time of the check; what a killed check left goes when it runs again.

    Each rule reads them three times, and the mart is a view over the decisions of years that works them out each time.
    """
    copy = f"intermediate.decisions_under_check_{build.build_id}"
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(f"drop table if exists {copy}")
        cursor.execute(
            f"create unlogged table {copy} as select * from marts.fct_contact_decision where as_of = %s",  # noqa: S608
            (build.as_of,),
        )
        cursor.execute(f"analyze {copy}")
    try:
        yield copy
    finally:
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute(f"drop table if exists {copy}")


def _is_swing_alone(results: dict[str, list[RuleResult]]) -> bool:
    red = {
        rule.rule_id
        for of_mart in results.values()
        for rule in of_mart
        if rule.severity is Severity.ABORT and not rule.success
    }
    return red == {"tier_swings"}


def _decide(warehouse: Connection, build: _Build, results: dict[str, list[RuleResult]]) -> str:
    """Keep the results and the build's state, and return what is red."""
    red = red_rules(results)
    with warehouse, warehouse.cursor() as cursor:
        for mart, of_mart in results.items():
            record(
                warehouse,
                border="marts",
                subject=mart,
                reference=str(build.build_id),
                as_of=build.as_of,
                results=of_mart,
            )
        cursor.execute(
            "update ops.mart_build set state = %s, reason = %s, finished_at = clock_timestamp() where build_id = %s",
            ("failed" if red else "passed", red or None, build.build_id),
        )
    return red

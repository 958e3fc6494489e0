"""Compares our days past due with those that a tape's servicers report: the product's own SQL on a scratch database.

Of the reported status the load uses each loan's first month (opening position) and first late month (due day), and of
each servicer a few months that tell how it counts days. Those are left out; everything that is compared is predicted.
"""

import csv
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.dbt_build import build
from arrears.landing.load import load_batch
from arrears.quality.landing_gate import check_batch
from arrears.services.postgres import admin_connection, create_database
from arrears.settings import Settings
from arrears.simulator.book import money
from arrears.source.files import Progress
from arrears.source.load import create_source, load_directory
from arrears.sql_files import read_statement
from arrears.tapes.abs_ee import TapeSummary, opened_tape, write_loans
from arrears.tapes.day_count import ACTUAL, THIRTY_360, days_between, due_date_of
from arrears.tapes.derivation import due_day, extension, outcome, reversals, skipped_months
from arrears.tapes.loan import Month, TapeLoan
from arrears.warehouse import migrate

_statement = partial(read_statement, "tapes")

_MODELS = "+tag:per_loan +loan_delinquency_on"
_SLIVER = Decimal("0.1")
"""Share of an instalment below which what is open may be a credit that the tape hides, or the servicer's tolerance."""
_DAYS_APART = 3
"""Days by which the two day counts differ over a few months."""


@dataclass(frozen=True)
class Agreement:
    """How well both figures agree for one originator. Counts of observations, `loans` apart."""

    originator: str
    loans: int
    observations: int
    exact: int
    within_1: int
    within_5: int
    more_days: int
    """Ours is higher."""
    fewer_days: int
    late: int
    """Late by either figure: the zeros of loans that are never late say little."""
    late_exact: int


@dataclass(frozen=True)
class Difference:
    """One month end on which both figures differ, and what explains it."""

    ends_on: date
    originator: str
    reported: int
    instalment: Decimal
    due_day: int
    day_count: str
    events: str
    """What happened until then: names of `_EVENTS`, by spaces."""
    days_past_due: int
    arrears_amount: Decimal
    oldest_unpaid_due_date: date | None


@dataclass
class CheckReport:
    """What a check found."""

    tape: TapeSummary
    agreements: list[Agreement]
    causes: dict[str, Counter[str]] = field(default_factory=dict)
    """By originator: how many differences have which cause, as far as the tape tells."""


def check_tape(settings: Settings, paths: Sequence[Path], *, progress: Progress | None = None) -> CheckReport:
    """Load the tape into databases of its own, build delinquency and compare month by month; leaves nothing behind.

    Raises:
        SourceFileError: as `abs_ee.load_tape`.
        GateError: the landing gate refuses the tape.
        BuildError: dbt could not build the models.
    """
    with tempfile.TemporaryDirectory(prefix="arrears-tape-check-") as directory:
        scratch = Path(directory)
        contract, observations = scratch / "contract", scratch / "observations.csv"
        summary, days = _write(paths, contract, observations, progress)
        with _scratch_databases(settings, scratch) as own, closing(_connect(own)) as warehouse:
            _load(own, warehouse, contract, summary.last_day, progress)
            build(own, as_of=summary.last_day, select=_MODELS, progress=_models(progress))
            _compare(warehouse, observations, days, progress)
            return CheckReport(summary, _agreements(warehouse), _causes(warehouse))


# The tape --------------------------------------------------------------------------------------------------------
def _write(
    paths: Sequence[Path], contract: Path, observations: Path, progress: Progress | None
) -> tuple[TapeSummary, list[date]]:
    """Write the contract files, and what the servicer reported; returns the days that are compared as well."""
    days: set[date] = set()
    with opened_tape(paths, progress) as store, observations.open("w", encoding="utf-8", newline="") as file:
        summary = TapeSummary(counts=store.counts)
        writer = csv.writer(file)
        for loan in write_loans(store, summary, contract, progress):
            for month, events in predicted_months(loan, summary):
                writer.writerow(_observation(loan, month, events))
                days.add(month.ends_on)
    return summary, sorted(days)


def predicted_months(loan: TapeLoan, summary: TapeSummary) -> Iterator[tuple[Month, frozenset[str]]]:
    """The months whose reported status the load has not used, up to the loan's end, with what happened until then."""
    ended_on = outcome(loan).ended_on or date.max
    taken_back = {reversal.on for reversal in reversals(loan)}
    events: set[str] = set()
    for before, month in pairwise(loan.months):
        events |= set(_events(before, month, is_reversal=month.ends_on in taken_back))
        if month.ends_on >= ended_on:
            return
        is_used = month is loan.first_late or (loan.loan_id, month.ends_on) in summary.evidence
        if month.days_past_due is not None and not is_used:
            yield month, frozenset(events)


def _events(before: Month, month: Month, *, is_reversal: bool) -> Iterator[str]:
    if extension(before, month):
        yield "extension"
    elif month.matures_on and before.matures_on and month.matures_on > before.matures_on:
        yield "maturity"
    if is_reversal:
        yield "reversal"
    elif (month.balance or 0) > (before.balance or 0):
        yield "balance"
    if skipped_months(before, month):
        yield "gap"
    if (month.other or 0) != 0:
        yield "fees"


def _observation(loan: TapeLoan, month: Month, events: Iterable[str]) -> list[object]:
    return [
        *(loan.loan_id, month.ends_on, loan.originator, month.days_past_due, money(loan.instalment)),
        *(due_day(loan), loan.day_count, " ".join(sorted(events))),
    ]


# The scratch databases -------------------------------------------------------------------------------------------
@contextmanager
def _scratch_databases(settings: Settings, scratch: Path) -> Iterator[Settings]:
    """Settings of a source and a warehouse of their own, and of a place of their own for dbt; dropped at the end."""
    home = scratch / "home"
    home.mkdir()
    (home / "secrets").symlink_to(settings.home / "secrets")
    name = f"tape_check_{os.getpid()}"
    own = settings.model_copy(
        update={"home": home, "core_banking_database": f"{name}_source", "warehouse_database": f"{name}_warehouse"}
    )
    with closing(admin_connection(settings, "postgres")) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            owners = {own.core_banking_database: "bank", own.warehouse_database: "pipeline"}
            try:
                for database, owner in owners.items():
                    # A killed check may have left one under the same process id.
                    _drop(cursor, database)
                    create_database(cursor, database, owner)
                yield own
            finally:
                for database in owners:
                    _drop(cursor, database)


def _drop(cursor: Any, database: str) -> None:
    cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))


def _connect(settings: Settings) -> Connection:
    return psycopg2.connect(settings.dsn("warehouse", "pipeline"))


def _load(settings: Settings, warehouse: Connection, contract: Path, as_of: date, progress: Progress | None) -> None:
    migrate(warehouse)
    with closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as core_banking:
        create_source(core_banking)
        load_directory(core_banking, warehouse, contract, replace=True, progress=progress)
        batch = load_batch(core_banking, warehouse, as_of=as_of, run_id=None, settings=settings)
    check_batch(warehouse, batch_id=batch.batch_id, settings=settings)


def _models(progress: Progress | None) -> Any:
    def report(_: str, __: int, ___: int) -> None:
        if progress is not None:
            progress("models and their tests", 1)

    return report


# Comparing -------------------------------------------------------------------------------------------------------
def _compare(warehouse: Connection, observations: Path, days: Sequence[date], progress: Progress | None) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(_statement("create_observations"))
        with observations.open("rb") as stream:
            # Nothing is an empty text here, not null.
            cursor.copy_expert("copy tape_check.observations from stdin with (format csv, force_not_null *)", stream)
        for day in days:
            cursor.execute(_statement("add_positions"), {"ends_on": day})
            if progress is not None:
                progress("month ends compared", 1)
        cursor.execute("analyze tape_check.observations")
        cursor.execute("analyze tape_check.positions")


def _agreements(warehouse: Connection) -> list[Agreement]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(_statement("agreement"))
        return [Agreement(*row) for row in cursor.fetchall()]


def _causes(warehouse: Connection) -> dict[str, Counter[str]]:
    causes: dict[str, Counter[str]] = defaultdict(Counter)
    with warehouse, warehouse.cursor("differences") as cursor:
        cursor.execute(_statement("differences"))
        for row in cursor:
            difference = Difference(*row)
            causes[difference.originator][cause(difference)] += 1
    return dict(causes)


def cause(difference: Difference) -> str:
    """Why our days past due are not the servicer's, as far as the tape tells: the first reason that applies."""
    if _is_other_count(difference):
        return "counted by the other day count, or a day apart"
    happened = set(difference.events.split())
    for event, text in _EVENTS.items():
        if event in happened:
            return text
    is_more = difference.days_past_due > difference.reported
    if is_more and 0 < _open_part(difference) <= _SLIVER:
        return "less than a tenth of an instalment open: the servicer's tolerance, or a credit that the tape hides"
    if not is_more and (difference.arrears_amount == 0 or _open_part(difference) >= 1 - _SLIVER):
        return "a few dollars that we count and the servicer does not: fees, or money that went back unseen"
    if difference.reported > 0 and _due_day_reported(difference) != difference.due_day:
        return "the servicer's due day is another one than in the first late month"
    return "not told by the tape"


_EVENTS = {
    "extension": "after an extension: the servicer moves what is late as well, we keep its dates",
    "reversal": "after a reversed payment: how much went back is seen in the balance alone",
    "gap": "after a month without a row",
    "maturity": "after the maturity moved without a reported extension",
    "balance": "after the balance rose without a reversed payment that fits",
    "fees": "after money that went to fees",
}
"""What happened to a loan, the likeliest reason first."""


def _open_part(difference: Difference) -> Decimal:
    """What is open of the oldest unpaid instalment, as a share of an instalment."""
    share = difference.arrears_amount / difference.instalment
    return share % 1 or min(share, Decimal(1))


def _due_day_reported(difference: Difference) -> int:
    return due_date_of(difference.ends_on, difference.reported, difference.day_count).day


def _is_other_count(difference: Difference) -> bool:
    apart = abs(difference.days_past_due - difference.reported)
    if difference.oldest_unpaid_due_date is None or not difference.reported or apart > _DAYS_APART:
        return False
    other = THIRTY_360 if difference.day_count == ACTUAL else ACTUAL
    by_other = days_between(difference.oldest_unpaid_due_date, difference.ends_on, other)
    return apart == 1 or by_other == difference.reported

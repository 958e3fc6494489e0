"""How long a business day takes through Airflow, hop by hop: `make bench-chain`.

A generated bank (see `bank.py`) is loaded and built once; then comes a day on which one loan in a hundred changes, then
a day on which nothing does but one payment, and within that day some customers pay who are on its lists. Last, models
of risk are trained, and features, scores and decisions of one more day are made apart from all else. A small bank goes
through the same days: what its quiet day takes is the fixed cost of the chain. Everything runs as a person would run
it, in a state directory of its own that is removed at the end. The result is `docs/performance-chain.md`.
"""

import argparse
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import bank
import psycopg2
from own_system import arrears, own_system, slowest_nodes
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extras import execute_values
from rich.console import Console

from arrears.cli.follow import CHAIN, Display
from arrears.cli.follow import Day as FollowedDay
from arrears.dbt_build import build
from arrears.hooks.airflow_api import AirflowApi
from arrears.risk import registry
from arrears.risk.early_warning import known_directions, observed
from arrears.risk.purposes import PURPOSES
from arrears.risk.training import Observations, split, train
from arrears.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "performance-chain.md"
FIRST_DAY = date(2025, 6, 16)
SMALL_BANK = 1_000
PEOPLE = ("first_approval", "second_approval")
"""Tasks that wait for a person; the demo's approvers answer after some seconds."""

PAYERS = 100
"""So many customers pay after their call was planned, and are to be recalled."""
EXPLAINED = 5
LEDGER = "int_customers__contact_decision"
DECISIONS = "path:models/intermediate/decisions path:models/marts/decisions int_customers__hardship_sign"
"""The signs of hardship belong to care, and read whom is decided on before the decisions read them."""
FEATURES = "int_loans__risk_feature"
SCORES = "int_loans__early_warning int_loans__self_cure"


@dataclass(frozen=True)
class Task:
    """One task of a DAG run, all its mapped instances together, in seconds since the day's chain was started."""

    name: str
    instances: int
    starts: float
    ends: float
    busy: float


@dataclass(frozen=True)
class Leg:
    """One DAG run of the day, from the end of the one before."""

    dag: str
    seconds: float
    tasks: tuple[Task, ...]


@dataclass
class Day:
    """A measured business day."""

    name: str
    as_of: date
    touched: bank.Touched | None = None
    legs: list[Leg] = field(default_factory=list)
    nodes: list[tuple[str, float]] = field(default_factory=list)
    """What dbt did, the slowest first, with its seconds."""

    @property
    def seconds(self) -> float:
        return sum(leg.seconds for leg in self.legs)

    @property
    def waited_for_people(self) -> float:
        """From the first question to the last answer."""
        asked = [task for leg in self.legs for task in leg.tasks if task.name in PEOPLE]
        return max(task.ends for task in asked) - min(task.starts for task in asked) if asked else 0.0


@dataclass(frozen=True)
class WithinTheDay:
    """What somebody waits for after the lists are out."""

    recall_seconds: float
    """From the payments' arrival in the source to the last recall file at its vendor."""
    explain_seconds: float
    """The slowest answer of `arrears explain`."""


@dataclass(frozen=True)
class Decisions:
    """All decisions of a day, made apart from what they follow from."""

    made_in: float
    """Seconds from the end of the first model until the ledger is written."""
    seconds: float
    """dbt's start and the tests of the models included."""
    copied_in: float
    """Seconds to copy the finished rows and their index: what any machine needs at least."""
    bytes_a_day: int
    """What a day of the ledger takes of the disk, index included."""
    customers: int
    in_arrears: int


@dataclass(frozen=True)
class Scores:
    """Features and scores of a day for all loans, made apart from what they follow from."""

    features_in: float
    """Seconds, dbt's start included; so below."""
    scored_in: float
    loans: int
    warned: int


def main() -> None:
    arguments = _arguments()
    with own_system() as settings:
        small = measure(settings, SMALL_BANK, arguments.share)
    with own_system() as settings:
        large = measure(settings, arguments.loans, arguments.share)
        within = measure_within(settings, large[-1].as_of)
        train_models(settings, large[-1].as_of)
        decisions = measure_decisions(settings, large[-1].as_of + timedelta(days=1))
        scores = measure_scores(settings, large[-1].as_of + timedelta(days=1))
    page = _page(arguments.loans, arguments.share, small, large, within, decisions, scores)
    REPORT.write_text(page, encoding="utf-8")
    print(f"\nwritten to {REPORT.relative_to(ROOT)}")


def measure(settings: Settings, loans: int, share: float) -> list[Day]:
    """Fill the source and run the three days."""
    source = settings.dsn("core_banking", "bank")
    with closing(psycopg2.connect(source)) as connection:
        print(f"{loans:,} loans: {bank.fill_source(connection, loans, FIRST_DAY)}", flush=True)
    days = [
        Day("first load", FIRST_DAY),
        Day(f"{share:.0%} day", FIRST_DAY + timedelta(days=1)),
        Day("quiet day", FIRST_DAY + timedelta(days=2)),
    ]
    for day, changed in zip(days, (None, share, 0.0), strict=True):
        if changed is not None:
            with closing(psycopg2.connect(source)) as connection:
                day.touched = bank.touch_source(connection, changed, day.as_of)
        # With what follows the delivery, so that the next day does not begin with this one's results.
        arrears("run", "--as-of", day.as_of.isoformat(), "--approve-as-demo-users")
        day.legs = _legs(settings, day.as_of)
        day.nodes = slowest_nodes(settings, of_run_with="fct_loan_delinquency")
        print(f"{loans:,} loans, {day.name}: {day.seconds:.0f} s", flush=True)
    return days


def measure_within(settings: Settings, as_of: date) -> WithinTheDay:
    """Let customers of the phone list pay what is overdue, recall them, and ask why some were called."""
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        overdue = _overdue_on_the_phone_list(warehouse, as_of)
        if not overdue:
            raise SystemExit(f"nobody is on the phone list of {as_of}: there is nobody to recall; measure more loans")
        with closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as source:
            _pay(source, overdue, as_of)
        started = time.perf_counter()
        with AirflowApi(settings) as api, Display(Console(quiet=True), as_of) as display:
            FollowedDay(settings, api, display, as_of).follow("recall_paid_accounts")
        recall_seconds = time.perf_counter() - started
        customers = {customer_id for _, customer_id, _ in overdue}
        if missing := customers - _recalled(warehouse, as_of):
            raise SystemExit(f"{len(missing)} of {len(customers)} customers who paid were not recalled")
    answers = []
    for customer_id in sorted(customers)[:EXPLAINED]:
        started = time.perf_counter()
        arrears("explain", "--customer", customer_id, "--as-of", as_of.isoformat(), stdout=subprocess.DEVNULL)
        answers.append(time.perf_counter() - started)
    print(f"recall {recall_seconds:.0f} s, explain {max(answers):.1f} s", flush=True)
    return WithinTheDay(recall_seconds, max(answers))


def train_models(settings: Settings, as_of: date) -> None:
    """Boosted models, which have the most bins, that score from the next day on.

    Not by `train_early_warning`: loans of this bank that are late are so each month, so that self-cures are told
    perfectly, and it would refuse to believe that.
    """
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        for purpose in PURPOSES:
            with warehouse, warehouse.cursor() as cursor:
                directions = known_directions(cursor, purpose)
                observations = Observations.of(observed(cursor, purpose, as_of), directions)
                made = train("boosted", *split(observations), directions, draws=2)
                registry.keep(cursor, made, version=f"bench-{purpose}", purpose=purpose, as_of=as_of)
            tomorrow = as_of + timedelta(days=1)
            registry.promote(warehouse, f"bench-{purpose}", valid_from=tomorrow, by="benchmark", reason="benchmark")


def measure_scores(settings: Settings, as_of: date) -> Scores:
    """Make the features and the scores of a day for which all that they follow from is there."""
    taken = []
    for models in (FEATURES, SCORES):
        started = time.perf_counter()
        build(settings, as_of=as_of, select=models)
        taken.append(time.perf_counter() - started)
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from intermediate.int_loans__risk_feature),"
            " (select count(*) from intermediate.int_loans__early_warning where band = 'high')"
        )
        ((loans, warned),) = cursor.fetchall()
    features_in, scored_in = taken
    print(f"{loans:,} loans: features {features_in:.0f} s, scores {scored_in:.0f} s, {warned:,} warned", flush=True)
    return Scores(features_in, scored_in, loans, warned)


def measure_decisions(settings: Settings, as_of: date) -> Decisions:
    """Make the decisions of a day that was never decided; all that they follow from is there."""
    build(settings, as_of=as_of, select=f"+{LEDGER} --exclude {DECISIONS}")
    ends: dict[str, float] = {}
    started = time.perf_counter()
    build(settings, as_of=as_of, select=DECISIONS, progress=lambda node, *_: ends.update({node: time.perf_counter()}))
    seconds = time.perf_counter() - started
    made_in = ends[LEDGER] - min(ends.values())
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse, warehouse.cursor() as cursor:
        cursor.execute("select count(*), count(*) filter (where is_in_arrears) from intermediate.int_customers__scope")
        ((customers, in_arrears),) = cursor.fetchall()
        cursor.execute(
            f"select pg_total_relation_size('intermediate.{LEDGER}') / count(distinct as_of) from intermediate.{LEDGER}"
        )
        ((bytes_a_day,),) = cursor.fetchall()
    copied_in = time_of_a_copy(settings, as_of)
    print(
        f"decisions on {customers:,} customers, {in_arrears:,} in arrears: {made_in:.0f} s of {seconds:.0f}, "
        f"a copy {copied_in:.1f} s",
        flush=True,
    )
    return Decisions(made_in, seconds, copied_in, bytes_a_day, customers, in_arrears)


def time_of_a_copy(settings: Settings, as_of: date) -> float:
    """Seconds of one insert of the day's decisions into an empty table with the ledger's index, which is not kept."""
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse, warehouse.cursor() as cursor:
        cursor.execute(f"create table intermediate.copied (like intermediate.{LEDGER} including indexes)")
        started = time.perf_counter()
        cursor.execute(
            f"insert into intermediate.copied select * from intermediate.{LEDGER} where as_of = %s",
            (as_of,),
        )
        return time.perf_counter() - started


def _overdue_on_the_phone_list(warehouse: Connection, as_of: date) -> list[tuple[str, str, Decimal]]:
    """Loan, customer and what is overdue, of the first customers whom the vendor has still to call."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "with listed as ("
            "  select distinct item.customer_id from ops.delivery_batch as batch"
            "  inner join ops.delivery_item as item on batch.batch_id = item.batch_id"
            "  where batch.kind = 'contact_list' and batch.channel = 'phone' and batch.as_of = %s"
            "  and batch.state <> 'superseded' and not item.is_final order by item.customer_id limit %s)"
            " select loan.loan_id, loan.customer_id, loan.arrears_amount from marts.fct_loan_delinquency as loan"
            " inner join listed on loan.customer_id = listed.customer_id where loan.arrears_amount > 0",
            (as_of, PAYERS),
        )
        return cursor.fetchall()


def _pay(source: Connection, overdue: Sequence[tuple[str, str, Decimal]], as_of: date) -> None:
    """A repayment of all that is overdue on each loan, newer than anything that the source has."""
    with source, source.cursor() as cursor:
        cursor.execute("select max(recorded_at) + interval '1 second' from core_banking.loan_transactions")
        ((recorded_at,),) = cursor.fetchall()
        execute_values(
            cursor,
            "insert into core_banking.loan_transactions"
            " (transaction_id, loan_id, kind, amount, effective_on, recorded_at, channel) values %s",
            [
                (f"paid-{loan_id}", loan_id, "repayment", amount, as_of, recorded_at, "transfer")
                for loan_id, _, amount in overdue
            ],
        )


def _recalled(warehouse: Connection, as_of: date) -> set[str]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select distinct item.customer_id from ops.delivery_batch as batch"
            " inner join ops.delivery_item as item on batch.batch_id = item.batch_id"
            " where batch.kind = 'recall' and batch.as_of = %s"
            " and batch.state in ('uploaded', 'acknowledged', 'closed')",
            (as_of,),
        )
        return {customer_id for (customer_id,) in cursor.fetchall()}


# What happened ------------------------------------------------------------------------------------------------------


def _legs(settings: Settings, as_of: date) -> list[Leg]:
    """The DAG runs of a business date with their tasks, from Airflow's metadata."""
    statement = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    with closing(psycopg2.connect(settings.dsn("airflow", "airflow"))) as connection, connection.cursor() as cursor:
        cursor.execute(statement, {"as_of": as_of.isoformat(), "chain": list(CHAIN.values())})
        rows = cursor.fetchall()
    begun: datetime = min(row[1] for row in rows)

    def since(instant: datetime) -> float:
        return (instant - begun).total_seconds()

    legs, before = [], 0.0
    for (dag, ends), of_run in groupby(rows, key=lambda row: (row[0], row[2])):
        tasks = [
            _task(name, [(since(row[4]), since(row[5])) for row in of_task])
            for name, of_task in groupby(sorted(of_run, key=lambda row: row[3]), key=lambda row: row[3])
        ]
        legs.append(Leg(dag, since(ends) - before, tuple(sorted(tasks, key=lambda task: task.starts))))
        before = since(ends)
    return legs


def _task(name: str, spans: Sequence[tuple[float, float]]) -> Task:
    return Task(
        name=name,
        instances=len(spans),
        starts=min(start for start, _ in spans),
        ends=max(end for _, end in spans),
        busy=sum(end - start for start, end in spans),
    )


# The page -----------------------------------------------------------------------------------------------------------


def _page(
    loans: int,
    share: float,
    small: Sequence[Day],
    large: Sequence[Day],
    within: WithinTheDay,
    decisions: Decisions,
    scores: Scores,
) -> str:
    changed, quiet = large[1], large[2]
    fixed = small[2]
    return f"""# How long a day takes

Written by `make bench-chain` (`benchmarks/chain.py`): a generated bank of {loans:,} loans with twelve instalments each
and about as many payments, through Airflow from the trigger to the last delivered list, gates included, on one machine
({os.cpu_count()} cores, Python {platform.python_version()}, PostgreSQL, Airflow and the played vendors all on it).

{_overview(large, fixed)}

* **{changed.name}**: {_said(changed)}
* **quiet day**: {_said(quiet)} Whoever is behind or falls due is decided on all the same.
* **fixed**: the quiet day of a bank of {SMALL_BANK:,} loans. What it takes, every day takes.
* Legal referrals wait for two people; the demo's approvers answer after some seconds. Those seconds are in the totals.

## {changed.name.capitalize()}, hop by hop

Seconds since the chain was started. *Busy* is the sum over the instances of a task (one per vendor): they share the
cores.

{_hops(changed)}

The slowest steps of its build:

{_slowest(changed)}

## The decisions alone

On {decisions.customers:,} customers in scope, {decisions.in_arrears:,} of them in arrears, on every channel:
{decisions.made_in:.0f} s until all are in the ledger, {decisions.seconds:.0f} s with dbt's start and all tests.
That is {decisions.made_in / decisions.customers * 100_000:.0f} s for every 100,000 customers in scope, and
{decisions.made_in / decisions.copied_in:.1f} times as long as one statement takes to copy the finished rows into an
empty table with the same index, {decisions.copied_in:.1f} s here: the measure for slower and faster machines.
The ledger keeps them for years: {decisions.bytes_a_day / 1e6:.0f} MB a day, index included.

## The scores alone

Features of {scores.loans:,} loans: {scores.features_in:.0f} s; what the models of the quiet day say of them,
{scores.warned:,} warned: {scores.scored_in:.0f} s. Both with dbt's start and the tests of the models.

## Within the day

{PAYERS} customers of the phone list pay what they owe: {within.recall_seconds:.0f} s later every vendor that has one of
them has its recall file, Airflow's hops included. `arrears explain` answers in {within.explain_seconds:.1f} s (the
slowest of {EXPLAINED}, start of the program included).

## The fixed cost, hop by hop

{_hops(fixed)}
"""


def _overview(large: Sequence[Day], fixed: Day) -> str:
    days = [*large, fixed]
    names = [day.name for day in large] + ["fixed"]
    lines = [f"| seconds | {' | '.join(names)} |", "|---|" + "---:|" * len(days)]
    for position, leg in enumerate(large[0].legs):
        lines.append(f"| `{leg.dag}` | {' | '.join(f'{day.legs[position].seconds:.0f}' for day in days)} |")
    lines.append(f"| **whole chain** | {' | '.join(f'**{day.seconds:.0f}**' for day in days)} |")
    lines.append(f"| of it waiting for people | {' | '.join(f'{day.waited_for_people:.0f}' for day in days)} |")
    return "\n".join(lines)


def _said(day: Day) -> str:
    assert day.touched is not None
    return (
        f"{day.touched.loans:,} loans are touched: of {day.touched.with_events:,} something was recorded, of "
        f"{day.touched.passed_due_dates:,} a due date passed."
    )


def _hops(day: Day) -> str:
    lines = ["| DAG | task | instances | from | to | busy |", "|---|---|---:|---:|---:|---:|"]
    for leg in day.legs:
        lines += [
            f"| `{leg.dag}` | `{task.name}` | {task.instances} |"
            f" {task.starts:.1f} | {task.ends:.1f} | {task.busy:.1f} |"
            for task in leg.tasks
        ]
    return "\n".join(lines)


def _slowest(day: Day, count: int = 15) -> str:
    lines = ["| model or test | seconds |", "|---|---:|"]
    return "\n".join(lines + [f"| `{name}` | {seconds:.1f} |" for name, seconds in day.nodes[:count]])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--loans", type=int, default=1_000_000)
    parser.add_argument("--share", type=float, default=0.01, help="of the loans that change on the second day")
    return parser.parse_args()


if __name__ == "__main__":
    main()

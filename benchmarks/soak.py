"""Sixty business days through Airflow, with faults, and whether all of it adds up: `make soak`.

A played bank (`arrears source simulate --vendors`) lives from day to day, and its vendors misbehave at set rates. On
each business day what they sent is read, the DAGs run as `arrears run` runs them, on some days customers pay after the
lists have left and are recalled, and on some a part of the machinery is killed in the middle (on a later day, where the
task that was to be hit was too quick). A day that ends red is run again, as a person would. Each day is reconciled on
the next morning (`arrears deliveries --reconcile`), and all are at the end. The result is `docs/soak.md`.

Fails when anything differs, or when days grow longer by more than the portfolio grows. Safe to interrupt: started
again, it goes on with the day that it was in. It has a state directory and ports of its own.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as day_time
from pathlib import Path
from types import FrameType

import psycopg2
from own_server import free_port
from psycopg2.extensions import connection as Connection  # noqa: N812
from rich.console import Console
from soak_faults import Fault, Saboteur, plan
from soak_page import DayRecord, Payers, Soak, Standing, missed, page, problems

from arrears.cli.deliveries import compare
from arrears.cli.follow import READ_RESULTS, Day, Display
from arrears.errors import ArrearsError
from arrears.files import write_whole
from arrears.hooks.airflow_api import AirflowApi
from arrears.services.stack import start_all, stop_all
from arrears.settings import Settings, get_settings
from arrears.simulator.living import live_until
from arrears.simulator.truth import directory_of
from arrears.simulator.vendors import all_desks

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".arrears-soak"
REPORT = ROOT / "docs" / "soak.md"
STATEMENTS = Path(__file__).with_suffix(".sql")
BEGINNING = date(2023, 1, 2)
FIRST_DAY = date(2025, 1, 6)
TRIES = 3
"""So often a step of a day is run that ends red, before the soak gives up."""
STEP_SECONDS = 1200
"""A step that takes longer hangs."""
PAYERS = 5
PAYS_EVERY = 3
"""On one day in so many, so many customers pay after the lists have left."""
PAID_AT = day_time(10)
"""The recall of a past day is at noon."""
NOON = "NOON-"
"""How the keys of the payments at noon begin."""
QUICK_TO_NOTICE = """\
[scheduler]
task_instance_heartbeat_timeout = 15
task_instance_heartbeat_timeout_detection_interval = 5
orphaned_tasks_check_interval = 15
"""
"""Left alone, Airflow gives up a task that was killed with its scheduler after five minutes."""


class InterruptedSoak(Exception):  # noqa: N818 - no error: somebody asked for it
    """The soak was asked to stop."""


def business_days(first: date, count: int) -> list[date]:
    """So many days from Monday to Friday, and the next one. On weekends the bank lives on and nobody is contacted."""
    days = (first + timedelta(days=offset) for offset in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][: count + 1]


@dataclass
class Journal:
    """What the soak has done so far, kept in its state directory."""

    path: Path
    soak: Soak

    @classmethod
    def open(cls, path: Path, asked: Soak) -> "Journal":
        """That of the soak which was interrupted here, or a new one.

        Raises:
            SystemExit: a soak of another world was interrupted here.
        """
        if not path.exists():
            return cls(path, asked)
        found = Soak.from_json(json.loads(path.read_text(encoding="utf-8")))
        if (found.loans, found.seed) != (asked.loans, asked.seed):
            raise SystemExit(
                f"{path.parent} holds a soak of {found.loans:,} loans with seed {found.seed} that did not end: ask for"
                " the same and it goes on, or begin anew with --fresh"
            )
        asked.records = found.records
        return cls(path, asked)

    def add(self, record: DayRecord) -> None:
        self.soak.records.append(record)
        write_whole(self.path, json.dumps(asdict(self.soak), default=date.isoformat, indent=1) + "\n")


class Watch(Display):
    """A day that is followed without being shown. The saboteur looks on, and a step that hangs is given up."""

    def __init__(self, as_of: date, saboteur: Saboteur) -> None:
        super().__init__(Console(quiet=True), as_of)
        self._saboteur = saboteur
        self._deadline = time.monotonic() + STEP_SECONDS

    def update(self) -> None:
        self._saboteur.look(self.legs[-1] if self.legs else None)
        if time.monotonic() > self._deadline:
            raise ArrearsError(f"{self.legs[-1].dag_id} of {self.as_of} is not done after {STEP_SECONDS} s")


@dataclass
class DayAtWork:
    """One business day while it runs."""

    settings: Settings
    as_of: date
    fault: Fault | None
    has_results: bool
    """Whether vendors have reported on a day before."""
    pays_at_noon: bool
    console: Console
    seconds: Counter[str] = field(default_factory=Counter)
    """By DAG, and for what is played."""
    red: list[str] = field(default_factory=list)
    """The first line of each failure."""
    payers: int = 0

    def run(self, live: Callable[[date], None]) -> Saboteur:
        """From the morning to the last recall.

        Raises:
            ArrearsError: a step was red each time that it was tried.
        """
        began = time.monotonic()
        live(self.as_of)
        self.seconds["play"] += time.monotonic() - began
        saboteur = Saboteur(self.settings, self.fault)
        if self.has_results:
            self.step(saboteur, lambda day: day.follow(READ_RESULTS))
        self.step(saboteur, lambda day: day.follow_chain("delivery"))
        if self.pays_at_noon:
            self.payers = pay_at_noon(self.settings, self.as_of)
            self.step(saboteur, lambda day: day.follow("recall_paid_accounts"))
        return saboteur

    def step(self, saboteur: Saboteur, follow: Callable[[Day], None]) -> None:
        for tries_left in reversed(range(TRIES)):
            watch = Watch(self.as_of, saboteur)
            try:
                with AirflowApi(self.settings) as api, watch:
                    follow(Day(self.settings, api, watch, self.as_of, approve=True))
                return
            except ArrearsError as error:
                self.red.append(str(error).partition("\n")[0])
                self.console.print(f"  {self.as_of} red: {error}", style="yellow", highlight=False, markup=False)
                if not tries_left:
                    raise
                start(self.settings)
            finally:
                for leg in watch.legs:
                    self.seconds[leg.dag_id] += leg.seconds


def fault_of(number: int, faults: Mapping[int, Fault], records: Sequence[DayRecord]) -> Fault | None:
    """What goes wrong on a day: what is planned, and on a day without a plan what an earlier day missed."""
    owed = {record.fault for record in missed(records)}
    return faults.get(number) or next((fault for fault in faults.values() if str(fault) in owed), None)


def start(settings: Settings) -> None:
    """What is not running."""
    for _ in start_all(settings):
        pass


def pay_at_noon(settings: Settings, as_of: date) -> int:
    """So many customers whom a vendor has still to reach pay all that is overdue, after the lists have left."""
    with _warehouse(settings) as warehouse, warehouse, warehouse.cursor() as cursor:
        cursor.execute(_statement("overdue_on_a_list"), {"as_of": as_of, "payers": PAYERS})
        overdue = cursor.fetchall()
    recorded_at = datetime.combine(as_of, PAID_AT, tzinfo=settings.bank_tz)
    with _source(settings) as source, source, source.cursor() as cursor:
        for loan_id, _, amount in overdue:
            cursor.execute(
                "insert into core_banking.loan_transactions"
                " (transaction_id, loan_id, kind, amount, effective_on, recorded_at, channel)"
                " values (%s, %s, 'repayment', %s, %s, %s, 'counter') on conflict do nothing",
                (f"{NOON}{loan_id}-{as_of:%Y%m%d}", loan_id, amount, as_of, recorded_at),
            )
    return len({customer_id for _, customer_id, _ in overdue})


@dataclass
class Runner:
    """Runs day after day and writes down what it sees."""

    settings: Settings
    journal: Journal
    console: Console

    @property
    def soak(self) -> Soak:
        return self.journal.soak

    def run(self) -> None:
        """All days that are left, and the morning after the last.

        Raises:
            ArrearsError: a day cannot be brought to its end.
        """
        days = business_days(FIRST_DAY, self.soak.days)
        faults = plan(self.soak.days, every=self.soak.fault_every, seed=self.soak.seed)
        start(self.settings)
        for number, day in enumerate(days[:-1]):
            if number >= len(self.soak.records):
                self._day(number, day, fault_of(number, faults, self.soak.records))
        self._morning_after(days[-1])

    def live(self, day: date) -> None:
        """Let the bank and its vendors live until the morning of that day."""
        with _source(self.settings) as source, _warehouse(self.settings) as warehouse:
            world = {"loans": self.soak.loans, "start": BEGINNING, "seed": self.soak.seed}
            live_until(source, warehouse, self.settings, day=day, **world)

    def _day(self, number: int, as_of: date, fault: Fault | None) -> None:
        began = time.monotonic()
        day = DayAtWork(self.settings, as_of, fault, number > 0, number % PAYS_EVERY == 1, self.console)
        saboteur = day.run(self.live)
        record = DayRecord(
            as_of=as_of,
            total_seconds=time.monotonic() - began,
            seconds=dict(day.seconds),
            fault=str(fault or ""),
            hit=saboteur.hit or "",
            restarts=saboteur.restarts,
            red=day.red,
            paid_at_noon=day.payers,
            **portfolio(self.settings, as_of),
        )
        self.journal.add(record)
        self.console.print(record.line(number + 1, self.soak.days), highlight=False, markup=False, soft_wrap=True)
        if number:
            self._require_agreement(self.soak.records[number - 1].as_of)

    def _morning_after(self, as_of: date) -> None:
        """What vendors sent of the last day is read, and the marts know what was paid on it."""
        day = DayAtWork(self.settings, as_of, None, True, False, self.console)
        self.live(as_of)
        nothing = Saboteur(self.settings, None)
        day.step(nothing, lambda followed: followed.follow(READ_RESULTS))
        day.step(nothing, lambda followed: followed.follow_chain("marts"))

    def _require_agreement(self, as_of: date) -> None:
        """What differs after a day would only be harder to find after more of them."""
        found = compare(self.settings, as_of).differences
        if found:
            raise ArrearsError(f"{as_of} does not agree:\n  " + "\n  ".join(found))

    def take_stock(self) -> Standing:
        """Every day reconciled, and what lies where at the end."""
        days = [FIRST_DAY + timedelta(days=offset) for offset in range((self._last - FIRST_DAY).days + 1)]
        compared = {day: compare(self.settings, day) for day in days}
        with _warehouse(self.settings) as warehouse, warehouse.cursor() as cursor:
            cursor.execute(_statement("in_all"), {"last": self._last})
            in_all = cursor.fetchone() or ()
            names = [column.name for column in cursor.description or ()]
            cursor.execute(_statement("misconduct"))
            misconduct = dict(cursor.fetchall())
        unread = [path.name for desk in all_desks(self.settings) for path in (desk.directory / "inbound").glob("*.*")]
        misconduct |= {"files handed in days late, in parts or again": len(handed_in_later(self.settings))}
        return Standing(
            sums={day: compared[day].sums for day in days},
            differences=[f"{day}: {line}" for day in days for line in compared[day].differences],
            in_all=dict(zip(names, in_all, strict=True)),
            unread=sorted(unread),
            payers=payers_by_day(self.settings),
            misconduct=misconduct,
        )

    @property
    def _last(self) -> date:
        return self.soak.records[-1].as_of


def handed_in_later(settings: Settings) -> set[tuple[str, str]]:
    """Files that a vendor did not hand in on the day of its work, by what the world planned."""
    events = (
        event
        for path in (directory_of(settings) / "days").glob("*.json")
        for event in json.loads(path.read_text(encoding="utf-8"))["to_come"]
    )
    return {(event["vendor"], event["name"]) for event in events if event["what"] == "arrive"}


def payers_by_day(settings: Settings) -> dict[date, Payers]:
    """What became of all who paid at noon."""
    with _source(settings) as source, source.cursor() as cursor:
        cursor.execute(
            "select distinct payment.effective_on, loan.customer_id, loan.currency"
            " from core_banking.loan_transactions as payment inner join core_banking.loans as loan using (loan_id)"
            " where starts_with(payment.transaction_id, %s)",
            (NOON,),
        )
        paid = cursor.fetchall()
    payers = {name: [row[place] for row in paid] for place, name in enumerate(("days", "customers", "currencies"))}
    with _warehouse(settings) as warehouse, warehouse.cursor() as cursor:
        cursor.execute(_statement("of_payers"), payers)
        return {as_of: Payers(*counts) for as_of, *counts in cursor.fetchall()}


def portfolio(settings: Settings, as_of: date) -> dict[str, int]:
    """How much there is to do on a day."""
    with _warehouse(settings) as warehouse, warehouse.cursor() as cursor:
        cursor.execute(_statement("portfolio"), {"as_of": as_of})
        names = [column.name for column in cursor.description or ()]
        return dict(zip(names, cursor.fetchone() or (), strict=True))


def _statement(name: str) -> str:
    """One of the statements of `soak.sql`, by the line `-- name: …` before it."""
    return STATEMENTS.read_text(encoding="utf-8").split(f"-- name: {name}\n")[1].split("-- name: ")[0]


@contextmanager
def _warehouse(settings: Settings) -> Iterator[Connection]:
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection:
        yield connection


@contextmanager
def _source(settings: Settings) -> Iterator[Connection]:
    with closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as connection:
        yield connection


@contextmanager
def system(home: Path) -> Iterator[Settings]:
    """An Arrears of the soak's own, stopped at the end whatever happens."""
    for name in [name for name in os.environ if name.startswith(("ARREARS_", "AIRFLOW"))]:
        del os.environ[name]
    os.environ["ARREARS_HOME"] = str(home)
    for service in ("POSTGRES", "SFTP", "AIRFLOW"):
        os.environ[f"ARREARS_{service}_PORT"] = str(free_port())
    (home / "airflow").mkdir(parents=True, exist_ok=True)
    (home / "airflow" / "airflow.cfg").write_text(QUICK_TO_NOTICE)
    settings = get_settings()
    # What a soak that was killed has left running listens on other ports.
    _stop(settings)
    try:
        yield settings
    finally:
        _interrupt_no_more()
        _stop(settings)


def _stop(settings: Settings) -> None:
    for _ in stop_all(settings):
        pass


def left_running(home: Path) -> list[str]:
    """Command lines of processes of that state directory that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment, command = (process / "environ").read_bytes(), (process / "cmdline").read_bytes()
        except OSError:
            continue
        if int(process.name) != os.getpid() and f"ARREARS_HOME={home}\0".encode() in environment:
            found.append(command.replace(b"\0", b" ").decode(errors="replace").strip())
    return found


def main() -> None:
    arguments = _arguments()
    console = Console(file=sys.stdout)
    if arguments.fresh:
        shutil.rmtree(HOME, ignore_errors=True)
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _interrupt)
    asked = Soak(arguments.loans, arguments.days, arguments.seed, arguments.fault_every, [])
    journal = Journal.open(HOME / "soak.json", asked)
    try:
        with system(HOME) as settings:
            runner = Runner(settings, journal, console)
            runner.run()
            standing = runner.take_stock()
    except InterruptedSoak:
        raise SystemExit(
            f"interrupted after {len(journal.soak.records)} days; `make soak` goes on from there"
        ) from None
    except ArrearsError as error:
        raise SystemExit(f"the soak cannot go on: {error}\nits state is in {HOME}") from None
    found = problems(journal.soak, standing) + [f"still running: {command}" for command in left_running(HOME)]
    REPORT.write_text(page(journal.soak, standing, found), encoding="utf-8")
    console.print(f"written to {REPORT.relative_to(ROOT)}")
    if found:
        raise SystemExit("the soak failed:\n  " + "\n  ".join(found) + f"\nits state is in {HOME}")
    if not arguments.keep:
        shutil.rmtree(HOME)


def _interrupt(_sign: int, _frame: FrameType | None) -> None:
    _interrupt_no_more()
    raise InterruptedSoak


def _interrupt_no_more() -> None:
    """While the services are stopped."""
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.SIG_IGN)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=60, help="business days")
    parser.add_argument("--loans", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--fault-every", type=int, default=3, help="a fault on one day in so many")
    parser.add_argument("--fresh", action="store_true", help="forget a soak that was interrupted")
    parser.add_argument("--keep", action="store_true", help=f"leave the state in {HOME.name} after a soak that is well")
    return parser.parse_args()


if __name__ == "__main__":
    main()

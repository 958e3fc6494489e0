"""How long it takes to know where a million loans stand, beside the least SQL for it: `make bench-delinquency`.

A bank is generated in landing (see `bank.py`). Then, in one run and on one server: the hand-written minimum
(`delinquency_floor.sql`), the first build of `fct_loan_delinquency` with the state that it follows from, the history,
and days on which a share of the loans change, due dates that pass included. The minimum must agree with the mart on
every loan, or the run fails. The result is `docs/performance.md`. A run measures the sizes that it is asked for; what
was measured of other sizes stays as it was, in `delinquency.json`. With `--first-build` it stops after the first build
of the mart: history and days of three million loans take most of an hour.

    python benchmarks/delinquency.py [--loans N …] [--first-build]
"""

import argparse
import json
import os
import platform
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import bank
import psutil
import psycopg2
from own_server import own_server
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.dbt_build import build
from arrears.settings import Settings
from arrears.warehouse import migrate

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "performance.md"
MEASURED = ROOT / "benchmarks" / "delinquency.json"
FIRST_DAY = date(2026, 9, 30)
SHARES = (0.001, 0.1, 0.01)
"""Of the loans, on the days after the first; due dates of a ninth of the loans pass on the second."""
SAMPLED_EVERY_SECONDS = 5
"""How often memory is looked at: to add up the pages of a large server takes a good part of a second itself."""
MART = ("int_loans__delinquency", "fct_loan_delinquency", "delinquency_tier")
"""Written anew each day for all loans; everything else of a build follows what changed."""
POSITION = "+fct_loan_delinquency"
EVERYTHING = "+tag:per_loan +fct_loan_delinquency +delinquency_tier"

_NODE = re.compile(r"\d+ of \d+ OK (?:created|loaded) .*?([\w]+) \.*\s*\[.* in ([\d.]+)s\]")
_TEST = re.compile(r"\d+ of \d+ (?:PASS|WARN).* in ([\d.]+)s\]")


@dataclass(frozen=True)
class Build:
    """One build: wall-clock seconds, and what its nodes took (side by side, so they may add up to more)."""

    seconds: float
    state: float
    mart: float
    tests: float


@dataclass
class Measured:
    """A bank of one size."""

    loans: int
    rows: dict[str, int]
    floor: float = 0.0
    position: Build | None = None
    history: Build | None = None
    days: dict[float, tuple[int, Build]] = field(default_factory=dict)
    """By share: loans that changed, and the build of their day."""
    empty: Build | None = None
    memory: int = 0
    """Greatest sum of the memory of server and build, bytes; what processes share is counted once."""
    disk: dict[str, int] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loans", type=int, nargs="+", default=[100_000, 1_000_000, 3_000_000])
    parser.add_argument("--first-build", action="store_true", help="neither the history nor the days after")
    asked = parser.parse_args()
    with own_server() as settings:
        for loans in asked.loans:
            measured = _remember(measure(settings, loans, with_days=not asked.first_build))
            REPORT.write_text(page(measured), encoding="utf-8")
            print(f"written to {REPORT.relative_to(ROOT)}", flush=True)


def _remember(latest: Measured) -> list[Measured]:
    """All sizes that were ever measured, this one as it is now, from the smallest."""
    kept = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    kept[str(latest.loans)] = asdict(latest)
    MEASURED.write_text(json.dumps(dict(sorted(kept.items(), key=lambda each: int(each[0]))), indent=1) + "\n")
    return sorted(map(_read, kept.values()), key=lambda each: each.loans)


def _read(kept: dict[str, Any]) -> Measured:
    builds = {name: Build(**kept[name]) for name in ("position", "history", "empty") if kept[name]}
    days = {float(share): (touched, Build(**day)) for share, (touched, day) in kept["days"].items()}
    return Measured(**kept | builds | {"days": days})


def measure(base: Settings, loans: int, *, with_days: bool = True) -> Measured:
    """Fill a warehouse of its own with a bank of this size and build it, then day by day if asked for."""
    settings = base.model_copy(update={"warehouse_database": f"warehouse_{loans}"})
    _create_database(base, settings.warehouse_database)
    try:
        with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection, _watched() as watched:
            migrate(connection)
            result = Measured(loans, bank.fill_landing(connection, loans, FIRST_DAY))
            print(f"{loans:,} loans generated", flush=True)
            _measure_first_build(settings, connection, result)
            if with_days:
                _measure_days(settings, connection, result)
            print(f"{loans:,} loans: {result}", flush=True)
            result.memory = watched.peak
            result.disk = _disk(connection)
    finally:
        _drop_database(base, settings.warehouse_database)
    return result


def _measure_first_build(settings: Settings, connection: Connection, result: Measured) -> None:
    result.floor = _floor(connection, FIRST_DAY)
    result.position = _build(settings, connection, FIRST_DAY, POSITION)
    print(f"{result.loans:,} loans, minimum {result.floor:.1f} s: {result.position}", flush=True)
    _require_agreement(connection)


def _measure_days(settings: Settings, connection: Connection, result: Measured) -> None:
    result.history = _build(settings, connection, FIRST_DAY, EVERYTHING)
    result.empty = _build(settings, connection, FIRST_DAY, EVERYTHING)
    for number, share in enumerate(SHARES, start=1):
        day = FIRST_DAY + timedelta(days=number)
        touched = bank.touch_landing(connection, share, day)
        result.days[share] = (touched.loans, _build(settings, connection, day, EVERYTHING))
        print(f"{result.loans:,} loans, {share:.1%}: {touched}, {result.days[share][1]}", flush=True)


def _build(settings: Settings, connection: Connection, day: date, select: str) -> Build:
    log = settings.home / "dbt" / "logs" / "dbt.log"
    log.unlink(missing_ok=True)
    started = time.perf_counter()
    built = build(settings, as_of=day, select=select)
    seconds = time.perf_counter() - started
    with connection, connection.cursor() as cursor:
        cursor.execute("update ops.mart_build set state = 'passed' where build_id = %s", (built.build_id,))
    text = log.read_text(encoding="utf-8")
    nodes = [(name, float(took)) for name, took in _NODE.findall(text)]
    return Build(
        seconds=seconds,
        state=sum(took for name, took in nodes if name not in MART),
        mart=sum(took for name, took in nodes if name in MART),
        tests=sum(map(float, _TEST.findall(text))),
    )


def _floor(connection: Connection, day: date) -> float:
    statement = (Path(__file__).parent / "delinquency_floor.sql").read_text(encoding="utf-8")
    with connection, connection.cursor() as cursor:
        cursor.execute("create schema floor")
    started = time.perf_counter()
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, {"as_of": day})
    return time.perf_counter() - started


def _require_agreement(connection: Connection) -> None:
    """The minimum and the mart speak of the same loans and say the same of each."""
    columns = (
        "loan_id, customer_id, product, currency, jurisdiction, oldest_unpaid_due_date, next_due_date, arrears_amount,"
        " unpaid_instalments, outstanding_principal, paid_total, last_payment_on, last_payment_amount, days_past_due"
    )
    with connection, connection.cursor() as cursor:
        floor, mart = (f"select {columns} from {name}" for name in ("floor.position", "marts.fct_loan_delinquency"))
        cursor.execute(f"select count(*) from (({floor} except {mart}) union all ({mart} except {floor})) as differing")
        (differing,) = cursor.fetchone() or (0,)
        if differing:
            raise SystemExit(f"the minimum and fct_loan_delinquency differ in {differing:,} rows: one of them is wrong")
        cursor.execute("drop schema floor cascade")


class _Watched:
    peak = 0


@contextmanager
def _watched() -> Iterator[_Watched]:
    """Samples the memory of this process and of the server."""
    watched, over = _Watched(), threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLED_EVERY_SECONDS):
            watched.peak = max(watched.peak, _memory())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        over.set()
        thread.join()


def _memory() -> int:
    total = 0
    port = os.environ["ARREARS_POSTGRES_PORT"]
    servers = [each for each in psutil.process_iter(["name", "cmdline"]) if port in (each.info["cmdline"] or ())]
    family = [child for server in servers for child in [server, *server.children(recursive=True)]]
    for process in [psutil.Process(), *family]:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def _disk(connection: Connection) -> dict[str, int]:
    layers = {
        "landing": "nspname = 'landing'",
        "state per loan": "nspname = 'intermediate'",
        "history": "relname = 'fct_delinquency_history'",
        "other marts": "nspname = 'marts' and relname <> 'fct_delinquency_history'",
    }
    sizes = {}
    with connection, connection.cursor() as cursor:
        for layer, condition in layers.items():
            cursor.execute(
                "select coalesce(sum(pg_total_relation_size(pg_class.oid)), 0) from pg_class"
                " inner join pg_namespace on relnamespace = pg_namespace.oid"
                f" where relkind in ('r', 'm') and {condition}"
            )
            (sizes[layer],) = cursor.fetchone() or (0,)
    return {layer: int(size) for layer, size in sizes.items()}


def _create_database(base: Settings, name: str) -> None:
    from arrears.services.postgres import admin_connection, create_database

    with closing(admin_connection(base, "postgres")) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            create_database(cursor, name, "pipeline")


def _drop_database(base: Settings, name: str) -> None:
    from arrears.services.postgres import admin_connection

    with closing(admin_connection(base, "postgres")) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute(f"drop database if exists {name} with (force)")


def page(measured: Sequence[Measured]) -> str:
    """The report as Markdown: a chart, then tables."""
    return (
        "\n\n".join([_introduction(), _chart(measured), _first_builds(measured), _daily(measured), _sizes(measured)])
        + "\n"
    )


def _introduction() -> str:
    return (
        "# How fast delinquency is\n\n"
        "Written by `make bench-delinquency` (`benchmarks/delinquency.py`), on one machine "
        f"({os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, Python "
        f"{platform.python_version()}, the embedded PostgreSQL 18). The bank is generated: twelve instalments and "
        "about as many payments a loan, with everything that happens to loans.\n\n"
        "*The minimum* is the least SQL, written by hand, that says of every loan what `fct_loan_delinquency` says of "
        "its money and its days (`benchmarks/delinquency_floor.sql`): it keeps nothing, knows one version of each "
        "row, and does neither regulatory days nor tiers. The run fails unless both agree on every loan."
    )


def _chart(measured: Sequence[Measured]) -> str:
    sizes = ", ".join(f'"{each.loans // 1000:,}k"' for each in measured)
    full = ", ".join(f"{_built(each.position).seconds:.0f}" for each in measured)
    floor = ", ".join(f"{each.floor:.0f}" for each in measured)
    return (
        "```mermaid\nxychart-beta\n"
        '    title "Seconds by loans: bars the first build, the line the minimum"\n'
        f'    x-axis [{sizes}]\n    y-axis "seconds"\n    bar [{full}]\n    line [{floor}]\n```'
    )


def _built(measured: Build | None) -> Build:
    if measured is None:
        raise ValueError("this build was not measured")
    return measured


def _first_builds(measured: Sequence[Measured]) -> str:
    lines = [
        "## The first build\n",
        "From landing to `fct_loan_delinquency`, dbt's start and tests included; then the history of all days "
        "(`fct_delinquency_history`) and the other models that keep rows per loan.\n",
        "| loans | instalments | payments | minimum | to `fct_loan_delinquency` | ratio | growth | history, rest |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for smaller, each in pairwise([None, *measured]):
        built = _built(each.position)
        growth = (
            f"{built.seconds / _built(smaller.position).seconds:.1f} × for {each.loans / smaller.loans:.0f} ×"
            if smaller
            else ""
        )
        rest = f"{each.history.seconds:.1f} s" if each.history else "not measured"
        lines.append(
            f"| {each.loans:,} | {each.rows['repayment_schedule']:,} | {each.rows['loan_transactions']:,} |"
            f" {each.floor:.1f} s | {built.seconds:.1f} s | {built.seconds / each.floor:.2f} × |"
            f" {growth} | {rest} |"
        )
    return "\n".join(lines)


def _daily(measured: Sequence[Measured]) -> str:
    lines = [
        "## A day\n",
        "A share of the loans change: payments, reversals, new schedules, and due dates that pass. The state and the "
        "history follow the touched loans; the mart of the day is written for all loans. *Wall* is the whole "
        "build; the other columns are the seconds of its models, two at a time. The share of the full build leaves out "
        "what an empty day takes.\n",
        "| loans | touched | wall | state and history | of the full build | mart of the day | tests |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for each in filter(lambda size: size.days, measured):
        empty, full = _built(each.empty), _built(each.position).seconds + _built(each.history).seconds
        lines.append(
            f"| {each.loans:,} | 0 | {empty.seconds:.1f} s | {empty.state:.1f} s | |"
            f" {empty.mart:.1f} s | {empty.tests:.1f} s |"
        )
        for share, (touched, day) in sorted(each.days.items()):
            above = max(0.0, day.state - empty.state)
            lines.append(
                f"| {each.loans:,} | {touched:,} ({share:.1%}) | {day.seconds:.1f} s | {day.state:.1f} s |"
                f" {above / full:.1%} | {day.mart:.1f} s | {day.tests:.1f} s |"
            )
    return "\n".join(lines)


def _sizes(measured: Sequence[Measured]) -> str:
    layers = list(measured[0].disk)
    lines = [
        "## Memory and disk\n",
        "The peak of the server and the build together; then the size on disk after all that was measured.\n",
        f"| loans | memory | {' | '.join(layers)} |",
        f"|---:|---:|{'---:|' * len(layers)}",
    ]
    for each in measured:
        sizes = " | ".join(f"{each.disk[layer] / 2**30:.2f} GiB" for layer in layers)
        lines.append(f"| {each.loans:,} | {each.memory / 2**30:.1f} GiB | {sizes} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

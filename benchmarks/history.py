"""What months of contacts add to a day: `make bench-history`.

A generated bank (see `bank.py`) lives one day through Airflow, until the vendors have reported. The next day's marts
are built, and those that follow from results once more, as every ten minutes. Then the first day is copied to each of
the days before it: lists, decisions, what vendors reported. The same builds follow again: what they take longer is what
history takes. The result is `docs/performance-history.md`.
"""

import argparse
import os
import platform
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import bank
import psycopg2
from own_system import arrears, own_system, slowest_nodes
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.dbt_build import build, refresh
from arrears.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "docs" / "performance-history.md"
FIRST_DAY = date(2025, 6, 16)
LEDGER = "intermediate.int_customers__contact_decision"
NOTICED = 0.5
"""Seconds by which a model or test grows at least to be named."""


@dataclass(frozen=True)
class Measured:
    """What the builds took over one length of history."""

    days: int
    attempts: int
    decisions: int
    build_seconds: float
    refresh_seconds: float
    nodes: dict[str, float]
    """Seconds of each model and test of the day's build."""


def main() -> None:
    arguments = _arguments()
    with own_system() as settings:
        with closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as source:
            bank.fill_source(source, arguments.loans, FIRST_DAY)
        arrears("run", "--as-of", FIRST_DAY.isoformat(), "--approve-as-demo-users")
        with closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as source:
            bank.touch_source(source, 0.0, _next_day())
        arrears("run", "--as-of", _next_day().isoformat(), "--until", "marts")
        short = measure(settings, days=1)
        with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
            live_before(warehouse, arguments.days)
        # Twice: attempts are written when they are new, and the first time all that were copied are.
        for _ in range(2):
            long = measure(settings, days=arguments.days + 1)
    REPORT.write_text(_page(arguments.loans, short, long), encoding="utf-8")
    print(f"\nwritten to {REPORT.relative_to(ROOT)}")


def live_before(warehouse: Connection, days: int) -> None:
    """Copy the first day to so many days before it. Commits."""
    started = time.perf_counter()
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), {"days": days})
        cursor.execute(
            "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped and attname <> 'as_of'",
            (LEDGER,),
        )
        ((columns,),) = cursor.fetchall()
        cursor.execute(
            f"insert into {LEDGER} (as_of, {columns}) select as_of - number, {columns} from {LEDGER}"
            " cross join generate_series(1, %s) as number where as_of = %s order by number desc",
            (days, FIRST_DAY),
        )
    warehouse.autocommit = True
    with warehouse.cursor() as cursor:
        cursor.execute("vacuum analyze")
    print(f"{days} days before it: {time.perf_counter() - started:.0f} s", flush=True)


def measure(settings: Settings, *, days: int) -> Measured:
    """Build the next day once more, and what follows from results."""
    started = time.perf_counter()
    built = build(settings, as_of=_next_day())
    build_seconds = time.perf_counter() - started
    nodes = dict(slowest_nodes(settings, of_run_with="fct_loan_delinquency"))
    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse, warehouse.cursor() as cursor:
        cursor.execute("update ops.mart_build set state = 'passed' where build_id = %s", (built.build_id,))
        cursor.execute(f"select (select count(*) from marts.fct_contact_attempt), (select count(*) from {LEDGER})")
        ((attempts, decisions),) = cursor.fetchall()
        warehouse.commit()
    started = time.perf_counter()
    refresh(settings, select="tag:results")
    refresh_seconds = time.perf_counter() - started
    print(
        f"{days} days, {attempts:,} attempts: build {build_seconds:.0f} s, results {refresh_seconds:.0f} s", flush=True
    )
    return Measured(days, attempts, decisions, build_seconds, refresh_seconds, nodes)


def _next_day() -> date:
    return FIRST_DAY + timedelta(days=1)


def _page(loans: int, short: Measured, long: Measured) -> str:
    return f"""# What history adds to a day

Written by `make bench-history` (`benchmarks/history.py`): a generated bank of {loans:,} loans on one machine
({os.cpu_count()} cores, Python {platform.python_version()}, PostgreSQL). Its first day is copied to each of
{long.days - 1} days before it: lists, decisions, what vendors reported. The same day is built over both.

{_compared(short, long)}

Every 100,000 attempts that lie behind add {_per_100_000(long.build_seconds - short.build_seconds, short, long)} s to a
build and {_per_100_000(long.refresh_seconds - short.refresh_seconds, short, long)} s to what follows from results.
Funnels follow a list for sixty days and stop growing then. What grew by half a second or more:

{_grown(short, long)}
"""


def _compared(short: Measured, long: Measured) -> str:
    rows = [
        ("decisions in the ledger", short.decisions, long.decisions),
        ("attempts that vendors reported", short.attempts, long.attempts),
        ("seconds of the day's build, its tests included", short.build_seconds, long.build_seconds),
        ("seconds of what follows from results, every ten minutes", short.refresh_seconds, long.refresh_seconds),
    ]
    lines = [f"| | one day | {long.days} days | |", "|---|---:|---:|---:|"]
    lines += [f"| {name} | {before:,.0f} | {after:,.0f} | {after / before:.1f} × |" for name, before, after in rows]
    return "\n".join(lines)


def _per_100_000(seconds: float, short: Measured, long: Measured) -> str:
    return f"{seconds / (long.attempts - short.attempts) * 100_000:.1f}"


def _grown(short: Measured, long: Measured) -> str:
    growth = {name: long.nodes[name] - seconds for name, seconds in short.nodes.items() if name in long.nodes}
    named = sorted((name for name in growth if growth[name] >= NOTICED), key=lambda name: -growth[name])
    lines = ["| model or test | one day | after |", "|---|---:|---:|"]
    lines += [f"| `{name}` | {short.nodes[name]:.1f} | {long.nodes[name]:.1f} |" for name in named]
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--loans", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=120, help="before the first, to which that is copied")
    return parser.parse_args()


if __name__ == "__main__":
    main()

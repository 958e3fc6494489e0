"""`arrears source`: fill the demo bank from files, from a real loan tape, or from a simulation."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import psycopg2
import typer
from psycopg2.extensions import connection as Connection  # noqa: N812
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from arrears.cli.terminal import console
from arrears.errors import ConfigurationError
from arrears.settings import get_settings
from arrears.source.load import LoadReport, load_directory

source_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


class Tape(StrEnum):
    """Real loan tapes that can be turned into the source contract."""

    ALLY = "ally"
    ABS_EE = "abs-ee"


@source_app.command()
def load(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="A directory of <table>.csv[.gz] files, or a tape's files.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Empty every table first and start a new source generation.")
    ] = False,
    tape: Annotated[
        Tape | None,
        typer.Option(
            help="The paths hold this loan tape. ally: one directory, always replaces everything. abs-ee: files of the "
            "auto tape as filed (CSV or XML) or directories of them; of rows filed twice the later path's count."
        ),
    ] = None,
) -> None:
    """Load source-contract files or a real loan tape, all or nothing. Tables without a file stay as they are."""
    if replace or tape is Tape.ALLY:
        from arrears.simulator.truth import leave_world

        leave_world(get_settings())
    if tape is Tape.ABS_EE:
        _load_abs_ee(paths, replace=replace)
        return
    directory = _only_directory(paths)
    with databases() as (core_banking, warehouse), progress_lines() as progress:
        if tape is Tape.ALLY:
            from arrears.tapes.ally import load_tape

            report = load_tape(core_banking, warehouse, directory, progress=progress)
        else:
            report = load_directory(core_banking, warehouse, directory, replace=replace, progress=progress)
    _print(report)


def _only_directory(paths: list[Path]) -> Path:
    if len(paths) > 1 or not paths[0].is_dir():
        found = paths[0] if len(paths) == 1 else f"{len(paths)} paths"
        raise ConfigurationError(f"{found}: expected one directory that holds <table>.csv files or a tape")
    return paths[0]


def _load_abs_ee(paths: list[Path], *, replace: bool) -> None:
    from arrears.tapes.abs_ee import load_tape
    from arrears.tapes.abs_ee_files import find_tape_files

    files = find_tape_files(paths)
    with databases() as (core_banking, warehouse), progress_lines() as progress:
        report, tape = load_tape(core_banking, warehouse, files, replace=replace, progress=progress)
    _print(report)
    for line in tape.lines():
        console.print(line)


@source_app.command()
def simulate(
    loans: Annotated[int, typer.Option(min=1, help="How many loans.")],
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the bank.")],
    end: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day: the day to run the chain for.")
    ],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bank.")],
    out: Annotated[
        Path | None, typer.Option(help="Write contract files into this directory instead of loading the bank.")
    ] = None,
    vendors: Annotated[
        bool,
        typer.Option(
            "--vendors",
            help="Let customers and vendors live from day to day: first the bank is made as it is on the morning of "
            "--to; asked again with a later --to, they live on until then, by the lists that were delivered.",
        ),
    ] = False,
) -> None:
    """Play a bank, clearly invented, and make it the source: everything is replaced."""
    from arrears.simulator import bank

    if out is not None and vendors:
        raise ConfigurationError("--vendors needs the lists of each day and cannot be written to --out")
    if vendors:
        _live(loans, start.date(), end.date(), seed)
        return
    if out is not None:
        _require_empty(out)
        with progress_lines() as progress:
            row_counts = bank.write_bank(
                out, loans=loans, start=start.date(), end=end.date(), seed=seed, progress=progress
            )
        console.print(_table(row_counts))
        console.print(f"Written to {out}; load it with: arrears source load {out} --replace")
        return
    with databases() as (core_banking, warehouse), progress_lines() as progress:
        report = bank.simulate(
            core_banking, warehouse, loans=loans, start=start.date(), end=end.date(), seed=seed, progress=progress
        )
    _print(report)


def _live(loans: int, start: date, day: date, seed: int) -> None:
    from arrears.simulator.living import live_until

    with databases() as (core_banking, warehouse), progress_lines() as progress:
        lived = live_until(
            core_banking, warehouse, get_settings(), loans=loans, start=start, day=day, seed=seed, progress=progress
        )
    if lived.days:
        console.print(_table(lived.rows))
    played = f"{lived.days} day{'' if lived.days == 1 else 's'} played"
    console.print(f"{played}; it is the morning of {lived.today}: arrears run --as-of {lived.today}")


def _require_empty(out: Path) -> None:
    """A simulated bank mixed with other files would be a bank that never was."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigurationError(f"--out {out} is not an empty directory: name a new one")


@contextmanager
def databases() -> Iterator[tuple[Connection, Connection]]:
    """The source as the bank and the warehouse as the pipeline, started and set up first where needed."""
    from arrears.services.stack import start_databases

    settings = get_settings()
    with console.status("Starting PostgreSQL"):
        start_databases(settings)
    with (
        closing(psycopg2.connect(settings.dsn("core_banking", "bank"))) as core_banking,
        closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse,
    ):
        yield core_banking, warehouse


@contextmanager
def progress_lines() -> Iterator[Callable[[str, int], None]]:
    """A line for each table with the rows read so far."""
    columns = (SpinnerColumn(), TextColumn("{task.description:<24}{task.completed:>12,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as display:
        tasks: dict[str, TaskID] = {}

        def advance(table: str, count: int) -> None:
            if table not in tasks:
                tasks[table] = display.add_task(table, total=None)
            display.advance(tasks[table], count)

        yield advance


def _print(report: LoadReport) -> None:
    console.print(_table(report.row_counts))
    rate = report.rows / max(report.seconds, 0.001)
    console.print(
        f"Source generation {report.generation}: {report.rows:,} rows in {report.seconds:.1f} s ({rate:,.0f} rows/s)"
    )


def _table(row_counts: dict[str, int]) -> Table:
    table = Table("table", box=None, header_style="bold")
    table.add_column("rows", justify="right")
    for name, count in row_counts.items():
        table.add_row(name, f"{count:,}")
    return table

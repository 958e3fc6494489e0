"""`arrears tape`: how well our days past due agree with those that servicers published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from arrears.cli.source import progress_lines
from arrears.cli.terminal import console
from arrears.settings import get_settings

if TYPE_CHECKING:
    from arrears.tapes.check import CheckReport

tape_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@tape_app.callback()
def tape() -> None:
    """For loan tapes."""


@tape_app.command()
def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Files of the auto tape as filed (CSV or XML), or directories of them."),
    ],
) -> None:
    """Compare our days past due with the servicer's reported ones, loan by loan and month end by month end.

    Uses each loan's first month and first late month; the rest is predicted. Works in databases of its own, which it
    drops. Disagreement is no error.
    """
    from arrears.services.stack import start_databases
    from arrears.tapes.abs_ee_files import find_tape_files
    from arrears.tapes.check import check_tape

    settings, files = get_settings(), find_tape_files(paths)
    with console.status("Starting PostgreSQL"):
        start_databases(settings)
    with progress_lines() as progress:
        report = check_tape(settings, files, progress=progress)
    _print(report)


def _print(report: "CheckReport") -> None:
    for line in report.tape.lines():
        console.print(line)
    console.print(f"{len(report.tape.evidence)} reported months told how days are counted and are left out below")
    console.print(_agreement(report))
    for originator, causes in sorted(report.causes.items()):
        differences = Table("", box=None, header_style="bold", title=f"Differences, {originator or 'unnamed'}")
        differences.add_column("observations", justify="right")
        for text, count in causes.most_common():
            differences.add_row(text, f"{count:,}")
        console.print(differences)


def _agreement(report: "CheckReport") -> Table:
    table = Table("originator", box=None, header_style="bold", title="Days past due, ours and the servicer's")
    for name in ("loans", "observations", "exact", "within 1", "within 5", "ours more", "ours fewer", "of late: exact"):
        table.add_column(name, justify="right")
    for row in report.agreements:
        shares = (_share(each, row.observations) for each in (row.exact, row.within_1, row.within_5))
        table.add_row(
            row.originator or "unnamed",
            *(f"{row.loans:,}", f"{row.observations:,}", *shares, f"{row.more_days:,}", f"{row.fewer_days:,}"),
            f"{row.late:,}: {_share(row.late_exact, row.late)}",
        )
    return table


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})" if whole else "0"

"""`arrears rebuild`: a past day, as it was known then or now, beside what was published for it."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from arrears.cli.terminal import console, model_progress, titled_table
from arrears.errors import ConfigurationError
from arrears.settings import get_settings

if TYPE_CHECKING:
    from arrears.rebuild import LoanDifference, RebuildReport


def rebuild(
    as_of: Annotated[
        datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The past business date, for example 2019-08-31.")
    ],
    known_at: Annotated[
        str | None,
        typer.Option(
            "--known-at",
            metavar="DATE|TIMESTAMP",
            help="By what had been recorded by then: a date means the end of that day at the bank, a timestamp has an "
            "offset (2019-08-31T18:00:00+08:00). Default: by all that is known now.",
        ),
    ] = None,
) -> None:
    """Rebuild a past day apart from what is published, and show what differs from what was published for it.

    The rebuild stays in the schemas rebuild_staging, rebuild_intermediate and rebuild_marts until the next one.
    Differences are no error.
    """
    from arrears.rebuild import rebuild as rebuild_day
    from arrears.services.stack import start_databases

    settings, instant = get_settings(), _known_at(known_at)
    with console.status("Starting PostgreSQL"):
        start_databases(settings)
    with model_progress() as progress:
        report = rebuild_day(settings, as_of=as_of.date(), known_at=instant, progress=progress)
    _print(report)


def _known_at(text: str | None) -> date | datetime | None:
    if text is None:
        return None
    for parse in (date.fromisoformat, datetime.fromisoformat):
        try:
            return parse(text)
        except ValueError:
            continue
    raise ConfigurationError(f"--known-at {text}: expected a date (2019-08-31) or a timestamp with its offset")


def _print(report: "RebuildReport") -> None:
    console.print(f"{report.as_of}, {_knowledge(report)}: {report.loans:,} loans, rebuilt in the schemas rebuild_*")
    if report.publication is None:
        console.print(f"No build for {report.as_of} has passed: nothing was published to compare with.")
        return
    console.print(f"Compared with build {report.publication.build_id}, {_local(report.publication.published_at)}")
    if report.has_other_rules:
        console.print("The policy packs are not those by which the day was published: that may explain differences.")
    if report.tiers:
        console.print(_tiers(report))
    if report.loans_paused:
        console.print(
            f"Loans with hardship arrangements that only one of the two knew: {report.loans_paused:,}"
            " (a pause moves tiers and leaves what the history says)"
        )
    if not report.differing_loans:
        what = "every figure of every loan" if report.publication.is_whole else "what the history says of every loan"
        console.print(f"[green]✓[/] {what} is as published")
        return
    console.print(_figures(report))
    console.print(_loans(report))
    console.print("All of them: select * from rebuild_marts.differences")


def _knowledge(report: "RebuildReport") -> str:
    return f"as known at {_local(report.known_at)}" if report.known_at else "as known now"


def _local(instant: datetime) -> str:
    return f"{instant.astimezone(get_settings().bank_tz):%Y-%m-%d %H:%M:%S %Z}"


def _tiers(report: "RebuildReport") -> Table:
    table = titled_table("Tiers that differ, published → rebuilt", "tier", "currency")
    for name in ("loans", "arrears", "outstanding"):
        table.add_column(name, justify="right")
    for row in report.tiers:
        pairs = (row.loans, row.arrears_amount, row.outstanding_principal)
        table.add_row(row.tier, row.currency, *(f"{published:,} → {rebuilt:,}" for published, rebuilt in pairs))
    return table


def _figures(report: "RebuildReport") -> Table:
    table = titled_table(f"Loans that differ: {report.differing_loans:,}", "figure")
    table.add_column("loans", justify="right")
    for figure, loans in report.figures.items():
        table.add_row(figure, f"{loans:,}")
    for cause, loans in report.causes.items():
        table.add_row(f"because of rows of {cause}" if cause else "not explained by any row", f"{loans:,}", style="dim")
    return table


def _loans(report: "RebuildReport") -> Table:
    table = titled_table("The first of them", "loan", "figure", "published", "rebuilt", "because")
    shown = ""
    for row in report.first_loans:
        is_first, shown = row.loan_id != shown, row.loan_id
        table.add_row(
            row.loan_id if is_first else "",
            row.figure,
            row.published or "–",
            row.rebuilt or "–",
            _because(row) if is_first else "",
        )
    return table


def _because(row: "LoanDifference") -> str:
    return "; ".join(f"{table} {', '.join(keys)}" for table, keys in row.because.items())

"""`arrears policy`: check policy packs, and see whom a change would affect, before anything is decided by it."""

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from arrears.cli.terminal import console, model_progress, titled_table
from arrears.settings import get_settings

if TYPE_CHECKING:
    from arrears.policy.diff import PolicyDiff
    from arrears.policy.pack import Pack, Row

policy_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

DEPLOYED = "deployed"
_CONFIDENCES = ("verified", "secondary", "unverified")


@policy_app.callback()
def policy() -> None:
    """Policy packs."""


@policy_app.command()
def check(
    directory: Annotated[
        Path | None, typer.Argument(help="A directory of seed files. Default: the packs that are deployed.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Show what is in force on this day. Default: today."),
    ] = None,
) -> None:
    """Check every file of a policy directory, and show what is in force and how well its sources are confirmed.

    Exit code 1 when anything is wrong; `build_marts` refuses the same.
    """
    from arrears.policy.check import check as check_packs

    settings = get_settings()
    pack = check_packs(directory or settings.policy_dir)
    for finding in pack.findings:
        console.print(str(finding), markup=False, soft_wrap=True)
    if pack.findings:
        console.print(f"{pack.directory}: refused, {_number(len(pack.findings), 'finding')}", markup=False)
        raise typer.Exit(1)
    day = as_of.date() if as_of else datetime.now(settings.bank_tz).date()
    console.print(_in_force(pack, day))
    console.print(_sources(pack, day))
    changes = _changes(pack, day)
    if changes.row_count:
        console.print(changes)
    console.print(f"{pack.directory}: [green]fine[/]")


@policy_app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help=f"A policy directory, or `{DEPLOYED}`.")],
    after: Annotated[
        str, typer.Argument(metavar="B", help=f"The policy directory to compare with it, or `{DEPLOYED}`.")
    ],
    as_of: Annotated[
        datetime,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="The business date to decide, for example 2026-03-18."),
    ],
    customers: Annotated[
        bool, typer.Option("--customers", help="Name the customers, too, not only how many there are.")
    ] = False,
) -> None:
    """Decide one day by both packs, apart from what is published, and show whom the change would affect.

    Differences are no error. Nothing that is published changes.
    """
    from arrears.policy.diff import compare
    from arrears.services.stack import start_databases

    settings = get_settings()
    directories = [settings.policy_dir if name == DEPLOYED else Path(name) for name in (before, after)]
    with console.status("Starting PostgreSQL"):
        start_databases(settings)
    with model_progress() as progress:
        found = compare(
            settings, directories[0], directories[1], as_of=as_of.date(), with_customers=customers, progress=progress
        )
    _print(found, before, after)


def _in_force(pack: "Pack", day: date) -> Table:
    """A line for each jurisdiction: hours, limits, rules."""
    table = titled_table(f"In force on {day}", "pack", "hours (customer's local time)", "limits", "closed by")
    for jurisdiction in _jurisdictions(pack):
        rows = {
            name: [row for row in pack.in_force(name, day) if row["jurisdiction"] == jurisdiction]
            for name in ("contact_windows", "contact_limits", "contact_rules")
        }
        if not all(rows.values()):
            table.add_row(jurisdiction, "no pack on this day: DEFAULT", "", "")
            continue
        table.add_row(
            jurisdiction,
            "\n".join(map(_window, rows["contact_windows"])),
            "\n".join(map(_limit, rows["contact_limits"])),
            _number(len({row["reason_code"] for row in rows["contact_rules"]}), "reason"),
        )
    return table


def _jurisdictions(pack: "Pack") -> list[str]:
    named = {row["jurisdiction"] for row in pack.of("contact_windows")}
    return ["DEFAULT", *sorted(named - {"DEFAULT"})]


def _window(row: "Row") -> str:
    hours = "closed" if row["opens"] is None else f"{row['opens']:%H:%M}-{row['closes']:%H:%M}"
    when = " ".join(filter(None, (row["channel"] or "all", row["weekday"])))
    return f"{when} {hours}"


def _limit(row: "Row") -> str:
    per = "" if row["per"] == "customer" else f" per {row['per'].replace('_', ' ')}"
    strength = "" if row["strength"] == "hard" else f" ({row['strength']})"
    counted = "" if row["counted"] == "attempt" else f" {row['counted']}"
    return f"{row['channel'] or 'all'} {row['at_most']}{counted} in {row['days']} d{per}{strength}"


def _sources(pack: "Pack", day: date) -> Table:
    """A line for each source: how many rules rest on it, and how well it is confirmed."""
    rows = Counter((row["confidence"], row["source"]) for name in pack.rows for row in pack.in_force(name, day))
    totals = Counter(confidence for confidence, _ in rows.elements())
    title = "Sources: " + ", ".join(f"{totals[name]:,} rows {name}" for name in _CONFIDENCES)
    table = titled_table(title, "confirmed", "source")
    table.add_column("rows", justify="right")
    for (confidence, source), count in sorted(
        rows.items(), key=lambda item: (_CONFIDENCES.index(item[0][0]), item[0][1])
    ):
        table.add_row(confidence, source, f"{count:,}")
    return table


def _changes(pack: "Pack", day: date) -> Table:
    """What is written already and takes effect later."""
    table = titled_table("Takes effect later", "on", "table", "rule", "source")
    later = [row for rows in pack.rows.values() for row in rows if row.valid_from > day]
    for row in sorted(later, key=lambda row: (row.valid_from, row.table, row.line)):
        skipped = ("valid_from", "valid_to", "source", "confidence")
        rule = ", ".join(str(value) for name, value in row.values.items() if value is not None and name not in skipped)
        table.add_row(str(row.valid_from), row.table, rule, row["source"])
    return table


def _print(found: "PolicyDiff", before: str, after: str) -> None:
    console.print(
        f"{found.as_of}: {found.decisions:,} decisions of {found.customers:,} customers by {before} and {after}"
    )
    if not found.changes:
        console.print("[green]✓[/] every decision is the same")
        return
    table = titled_table(
        f"{_number(found.affected_customers, 'customer')} affected", "channel", f"by {before}", f"by {after}"
    )
    table.add_column("customers", justify="right")
    for change in found.changes:
        table.add_row(change.channel, change.before, change.after, f"{change.customers:,}")
    console.print(table)
    for change in found.changes:
        if change.customer_ids:
            what = f"{change.channel}, {change.before} → {change.after}"
            console.print(f"{what}: {' '.join(change.customer_ids)}", markup=False, soft_wrap=True)


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")

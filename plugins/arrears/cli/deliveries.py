"""`arrears deliveries`: what was sent to whom on a day, and what they answered."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import psycopg2
import psycopg2.extensions
import typer
from psycopg2.extras import RealDictCursor
from rich.table import Table

from arrears.cli.terminal import console, print_json
from arrears.delivery.statements import statement
from arrears.errors import DeliveryError
from arrears.settings import Settings, get_settings

if TYPE_CHECKING:
    from arrears.delivery.circuit import Outage
    from arrears.delivery.reconcile_sums import Sum
    from arrears.hooks.vendor_sftp import VendorSftp

_STYLES = {
    "planned": "dim",
    "written": "yellow",
    "uploaded": "cyan",
    "acknowledged": "green",
    "closed": "green",
    "refused": "red",
    "expired": "red",
    "superseded": "dim",
}


def deliveries(
    as_of: Annotated[
        datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The business date, for example 2019-08-31.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Look at the vendors' servers, too: fails where anything differs.")
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="After a restore: take what vendors hold of the day into the ledger again."),
    ] = False,
) -> None:
    """Batches of a day with their state and the vendors' acknowledgements."""
    from arrears.services.stack import start_databases

    settings = get_settings()
    start_databases(settings)
    if adopt:
        take_back(settings, as_of.date())
    rows = read_deliveries(settings, as_of)
    if as_json:
        print_json(rows)
        return
    if not rows and not reconcile:
        console.print(f"Nothing was planned for {as_of:%Y-%m-%d}: run `arrears run --as-of {as_of:%Y-%m-%d}`.")
        return
    console.print(_table(rows, as_of))
    for outage in read_outages(settings):
        console.print(_outage(outage))
    if reconcile:
        compared = compare(settings, as_of.date())
        console.print(_sums_table(compared.sums, as_of))
        if compared.differences:
            raise DeliveryError(f"{as_of:%Y-%m-%d} does not agree:\n  " + "\n  ".join(compared.differences))
        console.print(
            f"[green]✓[/] {as_of:%Y-%m-%d} agrees: the directories of {compared.vendors} vendors, the ledger and the"
            " decisions say the same, and the sums add up."
        )


def read_deliveries(settings: Settings, as_of: datetime) -> list[dict[str, Any]]:
    """Every batch of the day with its state and acknowledgement; no personal data. Reads only."""
    with (
        closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse,
        warehouse.cursor(cursor_factory=RealDictCursor) as cursor,
    ):
        # Whether an answer is late is asked of the wall clock: it is shown, and decides nothing.
        cursor.execute(statement("deliveries"), {"as_of": as_of.date(), "now": datetime.now(UTC)})
        return [dict(row) for row in cursor.fetchall()]


def read_outages(settings: Settings) -> "list[Outage]":
    """The vendors that fail now. Reads only."""
    from arrears.delivery.circuit import current_outages

    with closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse:
        return current_outages(warehouse)


def take_back(settings: Settings, as_of: date) -> None:
    """Adopt what every vendor holds of a day, and have read again what the ledger forgot of what they sent. Commits."""
    from arrears.delivery.adopt import adopt, put_back_read_files

    with _at_vendors(settings) as (warehouse, servers):
        for vendor, server in servers.items():
            for batch in adopt(warehouse, server, vendor=vendor, as_of=as_of, settings=settings):
                unknown = f", [red]{batch.unknown_rows:,} of nobody known[/]" if batch.unknown_rows else ""
                console.print(f"[green]✓[/] {batch.batch_id} adopted: {batch.rows:,} rows{unknown}")
            put_back = put_back_read_files(warehouse, server, vendor=vendor)
            if put_back:
                console.print(f"{vendor}: {put_back} files lie in inbound/ again, to be read")


@contextmanager
def _at_vendors(settings: Settings) -> "Iterator[tuple[psycopg2.extensions.connection, dict[str, VendorSftp]]]":
    """The warehouse, and an open session with every vendor."""
    from arrears.operators.delivery import vendor_sftp
    from arrears.services.airflow import airflow_environment
    from arrears.services.vendors import vendor_codes

    # The connections of vendors are Airflow's, whose logging would put the SFTP library's lines between ours.
    os.environ |= airflow_environment(settings)
    logging.getLogger("paramiko").setLevel(logging.WARNING)
    with ExitStack() as stack:
        warehouse = stack.enter_context(closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))))
        yield warehouse, {vendor: stack.enter_context(vendor_sftp(warehouse, vendor)) for vendor in vendor_codes()}


@dataclass(frozen=True)
class Compared:
    """A day held against itself."""

    vendors: int
    """Whose directories were looked into."""
    sums: "list[Sum]"
    differences: list[str]
    """What does not agree, a line each."""


def compare(settings: Settings, as_of: date) -> Compared:
    """The ledger of a day against the vendors' directories and the decisions, and the sums of the day. Reads only."""
    from arrears.delivery.reconcile import differences
    from arrears.delivery.reconcile_sums import sums

    with _at_vendors(settings) as (warehouse, servers):
        found = differences(warehouse, servers, as_of=as_of)
        added_up = sums(warehouse, as_of=as_of)
    return Compared(len(servers), added_up, found + [str(each) for each in added_up if each.difference])


def _outage(outage: "Outage") -> str:
    tried = f"is next tried at {_clock(outage.next_try_at)}" if outage.opened_at else "is tried as usual"
    return f"[red]{outage.vendor}[/] fails since {_clock(outage.began_at)} ({outage.reason}) and {tried}"


def _table(rows: list[dict[str, Any]], as_of: datetime) -> Table:
    table = Table(title=f"Deliveries of {as_of:%Y-%m-%d}", title_justify="left")
    for heading in ("batch", "vendor", "state", "rows", "uploaded", "acknowledged", "note"):
        table.add_column(heading, justify="right" if heading == "rows" else "left", no_wrap=heading == "batch")
    for row in rows:
        table.add_row(
            row["batch_id"],
            row["vendor"],
            f"[{_STYLES[row['state']]}]{row['state']}[/]",
            f"{row['row_count']:,}",
            _clock(row["uploaded_at"]),
            _clock(row["acknowledged_at"]),
            _note(row),
        )
    return table


def _sums_table(sums: "list[Sum]", as_of: datetime) -> Table:
    table = Table(title=f"Reconciled for {as_of:%Y-%m-%d}", title_justify="left")
    for heading in ("counted", "", "found", "difference"):
        table.add_column(heading, justify="right" if heading in ("", "difference") else "left")
    for each in sums:
        difference = f"[red]{each.difference:+,}[/]" if each.difference else "0"
        table.add_row(each.counted, f"{each.total:,}", each.places, difference)
    return table


def _note(row: dict[str, Any]) -> str:
    notes = []
    if row["is_overdue"]:
        notes.append("[red]no acknowledgement in time[/]")
    if row["accepted_rows"] is not None:
        notes.append(f"{row['accepted_rows']:,} accepted, {row['rejected_rows']:,} rejected")
    if row["supersedes"]:
        notes.append(f"instead of {row['supersedes']}")
    if row["refused_reason"]:
        notes.append(row["refused_reason"])
    if row["state"] == "expired":
        notes.append(f"valid until {_clock(row['valid_until'])}")
    return "; ".join(notes)


def _clock(instant: datetime | None) -> str:
    return f"{instant.astimezone(get_settings().bank_tz):%m-%d %H:%M:%S}" if instant else ""

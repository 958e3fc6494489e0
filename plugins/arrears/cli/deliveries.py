"""`arrears deliveries`: what was sent to whom on a day, and what they answered."""

import json
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg2
import typer
from psycopg2.extras import RealDictCursor
from rich.table import Table

from arrears.cli.terminal import console
from arrears.delivery.statements import statement
from arrears.settings import Settings, get_settings

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
) -> None:
    """Batches of a day with their state and the vendors' acknowledgements."""
    from arrears.services.stack import start_databases

    settings = get_settings()
    start_databases(settings)
    rows = read_deliveries(settings, as_of)
    if as_json:
        json.dump(rows, sys.stdout, indent=2, default=_plain)
        sys.stdout.write("\n")
        return
    if not rows:
        console.print(f"Nothing was planned for {as_of:%Y-%m-%d}: run `arrears run --as-of {as_of:%Y-%m-%d}`.")
        return
    console.print(_table(rows, as_of))


def read_deliveries(settings: Settings, as_of: datetime) -> list[dict[str, Any]]:
    """Every batch of the day with its state and acknowledgement; no personal data. Reads only."""
    with (
        closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse,
        warehouse.cursor(cursor_factory=RealDictCursor) as cursor,
    ):
        # Whether an answer is late is asked of the wall clock: it is shown, and decides nothing.
        cursor.execute(statement("deliveries"), {"as_of": as_of.date(), "now": datetime.now(UTC)})
        return [dict(row) for row in cursor.fetchall()]


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


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)

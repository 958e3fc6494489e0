"""`arrears alerts`: what is open now, and whether alerts arrive."""

import logging
import os
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg2
import typer
from psycopg2.extras import RealDictCursor
from rich.table import Table

from arrears.cli.terminal import console, print_json
from arrears.errors import ArrearsError, ConfigurationError
from arrears.settings import Settings, get_settings

_STYLES = {"critical": "red", "warning": "yellow"}


def alerts(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Send a test to every destination; fails where one does not take it.")
    ] = False,
) -> None:
    """Alerts that are open, the most urgent first, and what of them nobody could be told."""
    from arrears.services.stack import start_databases

    settings = get_settings()
    start_databases(settings)
    if test:
        send_test(settings)
        return
    rows = read_alerts(settings)
    if as_json:
        print_json(rows)
    elif rows:
        console.print(_table(rows, settings))
    else:
        console.print("No alert is open.")


def read_alerts(settings: Settings) -> list[dict[str, Any]]:
    """Every open alert, critical ones first, then by age; no personal data. Reads only."""
    from arrears.alerts.ledger import statement

    with (
        closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as warehouse,
        warehouse.cursor(cursor_factory=RealDictCursor) as cursor,
    ):
        cursor.execute(statement("open_alerts"))
        return [dict(row) for row in cursor.fetchall()]


def send_test(settings: Settings) -> None:
    """Send a test to every destination, and say of each whether it took it.

    Raises:
        ConfigurationError: there is none.
        ArrearsError: one did not take it.
    """
    from arrears.alerts.destinations import configured
    from arrears.alerts.message import unrecorded
    from arrears.services.airflow import airflow_environment

    # Connections are looked for as Airflow's own command line does: in its metadata database, too.
    os.environ |= {**airflow_environment(settings), "_AIRFLOW_PROCESS_CONTEXT": "server"}
    logging.getLogger("httpx").setLevel(logging.WARNING)
    places = configured(settings)
    if not places:
        raise ConfigurationError(
            "alerts go nowhere: set ARREARS_ALERT_MAIL_TO or ARREARS_ALERT_WEB_HOOK (docs/alerts.md)"
        )
    said = "somebody asks whether this arrives"
    message = unrecorded("test", "test", said, occasion="test", now=datetime.now(UTC), settings=settings)
    failures = []
    for place in places:
        try:
            place.send(message)
        except Exception as error:
            failures.append(f"{place.name} did not take it: {type(error).__name__}: {error}")
        else:
            console.print(f"[green]✓[/] {place.name} took it")
    if failures:
        raise ArrearsError("; ".join(failures))


def _table(rows: list[dict[str, Any]], settings: Settings) -> Table:
    table = Table(title="Open alerts", title_justify="left", show_lines=True)
    for heading in ("since", "alert", "about", "what happened", "told", "run-book"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        told = _clock(row["last_sent_at"], settings) or "nobody"
        if row["not_told"]:
            told += f"\n[red]not {row['not_told']}[/]"
        table.add_row(
            _clock(row["opened_at"], settings),
            f"[{_STYLES[row['severity']]}]{row['code']}[/]",
            row["subject"],
            row["summary"].replace("[", r"\["),
            told,
            row["run_book"],
        )
    return table


def _clock(instant: datetime | None, settings: Settings) -> str:
    return f"{instant.astimezone(settings.bank_tz):%m-%d %H:%M}" if instant else ""

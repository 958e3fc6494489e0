"""Alerts in `ops.alert`, and what is to be said about them in `ops.alert_message`.

An alert of one code and subject is open once, however often it is found. A message is written in the same transaction
and sent afterwards (`send.py`), so that a destination that fails loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import psycopg2.extensions
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.alerts.catalogue import KINDS, Severity
from arrears.alerts.destinations import configured
from arrears.settings import Settings
from arrears.sql_files import read_statement

statement = partial(read_statement, "alerts")
"""The text of `sql/alerts/<name>.sql`."""

WATCH = "watch"
"""`raised_by` of what is looked at every few minutes; anything else names the task that failed."""

CALM = timedelta(minutes=15)
"""What ends and is back before this is the same alert, and nobody is told twice within it: some things flap."""
LONGEST_FAILURE = timedelta(days=1)
"""A task's failure that did not come again for so long is over: its next run is not due less often."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong now."""

    code: str
    subject: str
    """What it is about. With the code it says which alert this is."""
    summary: str
    """One sentence with the figures. Never a value of a customer."""
    as_of: date | None = None
    log_url: str | None = None
    severity: Severity | None = None
    """None: that of its kind."""


def raise_alerts(
    warehouse: psycopg2.extensions.connection,
    findings: Sequence[Finding],
    *,
    raised_by: str,
    now: datetime,
    settings: Settings,
) -> None:
    """Open an alert for each finding, or note that it lasts, and write what is to be said of all open ones. Commits."""
    with warehouse, warehouse.cursor() as cursor:
        for finding in findings:
            kind = KINDS[finding.code]
            values = {
                "code": kind.code,
                "subject": finding.subject,
                "severity": str(finding.severity or kind.severity),
                "summary": finding.summary,
                "run_book": kind.run_book(settings.run_book_url),
                "log_url": finding.log_url,
                "as_of": finding.as_of,
                "raised_by": raised_by,
                "now": now,
                "calm": CALM,
            }
            cursor.execute(statement("reopen"), values)
            cursor.execute(statement("open"), values)
        cursor.execute(
            statement("write_open"),
            {
                "destinations": [destination.name for destination in configured(settings)],
                "now": now,
                "calm": CALM,
                "repeat": timedelta(minutes=settings.alert_repeat_minutes),
            },
        )


def close_unseen(
    warehouse: psycopg2.extensions.connection, findings: Sequence[Finding], *, codes: Sequence[str], now: datetime
) -> int:
    """Close what was looked for (`codes`) at `now` and not found, and failures that did not come again. Commits."""
    found = [f"{finding.code} {finding.subject}" for finding in findings]
    values = {"watch": WATCH, "codes": list(codes), "found": found, "now": now, "longest": LONGEST_FAILURE}
    with warehouse, warehouse.cursor() as cursor:
        return _close(cursor, "close_unseen", values)


def close_task(warehouse: psycopg2.extensions.connection, *, task: str, as_of: date | None, now: datetime) -> int:
    """Close what a task raised for a business date or earlier ones: it went through. Commits."""
    with warehouse, warehouse.cursor() as cursor:
        return _close(cursor, "close_task", {"raised_by": task, "as_of": as_of, "now": now})


def _close(cursor: Cursor, query: str, values: dict[str, object]) -> int:
    cursor.execute(statement(query), values)
    alert_ids = [alert_id for (alert_id,) in cursor.fetchall()]
    if alert_ids:
        cursor.execute(statement("write_closed"), {"alert_ids": alert_ids, "now": values["now"]})
    return len(alert_ids)

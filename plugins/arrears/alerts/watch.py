"""The watch: look at everything, open and close alerts, send what is to be said."""

import logging
from dataclasses import dataclass
from datetime import date, datetime

import psycopg2.extensions

from arrears.alerts.checks import CHECKS, Scene
from arrears.alerts.ledger import WATCH, Finding, close_unseen, raise_alerts
from arrears.alerts.send import send_waiting
from arrears.errors import ArrearsError
from arrears.settings import Settings

_log = logging.getLogger(__name__)


class CheckBrokenError(ArrearsError):
    """A check of the watch could not be made: its alerts are as they were, all others were looked at."""


@dataclass(frozen=True)
class Watched:
    """What one look found."""

    findings: int
    closed: int
    sent: int

    def __str__(self) -> str:
        return f"{self.findings} found, {self.closed} over, {self.sent} messages sent"


def watch(warehouse: psycopg2.extensions.connection, *, as_of: date, now: datetime, settings: Settings) -> Watched:
    """Look once. Commits; again is fine, and two at once are.

    Args:
        as_of: The business date whose steps are looked for.
        now: The clock.

    Raises:
        CheckBrokenError: a check could not be made. What the others found was told.
    """
    scene = Scene(warehouse, as_of, now, settings)
    findings: list[Finding] = []
    looked_for: list[str] = []
    broken: list[str] = []
    for check, codes in CHECKS.items():
        try:
            findings += check(scene)
        except Exception as error:
            warehouse.rollback()
            # Its text may hold a value; where it happened is in the traceback of a debugger, the kind is enough here.
            broken.append(f"{check.__name__} ({type(error).__name__})")
        else:
            looked_for += codes
    raise_alerts(warehouse, findings, raised_by=WATCH, now=now, settings=settings)
    closed = close_unseen(warehouse, findings, codes=looked_for, now=now)
    sent = send_waiting(warehouse, now=now, settings=settings)
    for finding in findings:
        _log.warning("ALERT %s %s: %s", finding.code, finding.subject, finding.summary)
    if broken:
        raise CheckBrokenError(f"could not be checked: {', '.join(broken)}")
    return Watched(len(findings), closed, sent)

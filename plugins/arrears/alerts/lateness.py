"""Steps of a business date that are not done in time.

Two things ask: Airflow, when a run has passed its deadline, and the watch, which also sees that there is no run at all.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import psycopg2.extensions

from arrears.alerts.ledger import Finding, statement
from arrears.business_date import NIGHT_BEGINS
from arrears.settings import Settings

_STEPS = {
    "landing_late": "core banking is not loaded",
    "marts_late": "the marts are not built, or their gate has not passed",
    "lists_late": "not every contact list has left",
}
CODES = tuple(_STEPS)


def due_after(code: str, settings: Settings) -> timedelta:
    """How long after the night begins, or after its run was queued, a step is late."""
    minutes: float = getattr(settings, code.replace("_late", "_due_minutes"))
    return timedelta(minutes=minutes)


def late_after_deadline(warehouse: psycopg2.extensions.connection, code: str, *, as_of: date) -> list[Finding]:
    """The finding when a run has passed its deadline; none where the step is done all the same. Reads only."""
    return [] if _done(warehouse, as_of)[code] else [_finding(code, as_of)]


def late(warehouse: psycopg2.extensions.connection, *, as_of: date, now: datetime, settings: Settings) -> list[Finding]:
    """Steps of a business date that are not done and should be, or were said to be late before. Reads only."""
    night = datetime.combine(as_of, NIGHT_BEGINS, settings.bank_tz)
    done, said = _done(warehouse, as_of), _said(warehouse, as_of)
    return [
        _finding(code, as_of)
        for code in CODES
        if not done[code] and (code in said or night + due_after(code, settings) <= now)
    ]


def _finding(code: str, as_of: date) -> Finding:
    return Finding(code, str(as_of), f"of {as_of} {_STEPS[code]} in time", as_of)


def _done(warehouse: psycopg2.extensions.connection, as_of: date) -> Mapping[str, bool]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("done"), {"as_of": as_of})
        return dict(zip(CODES, cursor.fetchall()[0], strict=True))


def _said(warehouse: psycopg2.extensions.connection, as_of: date) -> set[str]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            "select code from ops.alert where closed_at is null and subject = %s and code = any(%s)",
            (str(as_of), list(CODES)),
        )
        return {code for (code,) in cursor.fetchall()}

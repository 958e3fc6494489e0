"""A vendor's circuit: after repeated failures its server is left alone for a while, and said to be.

Every session with a vendor goes through `guarded`. The row of `ops.vendor_outage` that has not ended is the circuit: it
begins with the first failure, is open from `opened_at`, lets one try through at `next_try_at`, and ends with the first
try that succeeds. One vendor's circuit says nothing of another's.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg2
import psycopg2.extensions

from arrears.delivery.statements import statement
from arrears.hooks.vendor_sftp import VendorAccessError, VendorConnectionError, VendorSftp
from arrears.settings import Settings

FIRST_WAIT = timedelta(minutes=1)
"""How long an open circuit waits for its first try; each that fails doubles the wait."""


class CircuitOpenError(VendorConnectionError):
    """The vendor failed repeatedly and was not tried: its next try is later."""


@dataclass(frozen=True)
class Outage:
    """A vendor that fails now."""

    vendor: str
    began_at: datetime
    failures: int
    reason: str
    opened_at: datetime | None
    """Since when its circuit is open; None while it is still tried as usual."""
    next_try_at: datetime | None


@contextmanager
def guarded(
    warehouse: psycopg2.extensions.connection,
    sftp: VendorSftp,
    *,
    vendor: str,
    settings: Settings,
    now: datetime | None = None,
) -> Iterator[VendorSftp]:
    """An open session with a vendor, and what it tells of the vendor noted. Commits, and rolls back what failed.

    Args:
        sftp: A session that is not yet open.
        now: When it is tried: of the clock unless given, for an outage is real on a past business date, too.

    Raises:
        CircuitOpenError: the circuit is open and its next try is later; the vendor was not asked.
    """
    at = now or datetime.now(UTC)
    _let_through(warehouse, vendor, settings, at)
    try:
        with sftp:
            yield sftp
    except (VendorConnectionError, VendorAccessError) as error:
        # Where the warehouse is the one that is gone, what the vendor did cannot be noted; it is raised all the same.
        with suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
            warehouse.rollback()
            _note_failure(warehouse, vendor, error, settings, at)
        raise
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("circuit_close"), {"vendor": vendor, "now": at})


def current_outages(warehouse: psycopg2.extensions.connection) -> list[Outage]:
    """The vendors that fail now, by name. Reads only."""
    with warehouse.cursor() as cursor:
        cursor.execute(statement("circuit_current"))
        return [Outage(*row) for row in cursor.fetchall()]


def _let_through(warehouse: psycopg2.extensions.connection, vendor: str, settings: Settings, at: datetime) -> None:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            statement("circuit_try"),
            {
                "vendor": vendor,
                "now": at,
                "longest_wait": timedelta(minutes=settings.vendor_longest_wait_minutes),
                "first_wait": FIRST_WAIT,
            },
        )
        row = cursor.fetchone()
    if row is not None:
        failures, next_try_at, reason = row
        raise CircuitOpenError(
            f"vendor {vendor} failed {failures} times in a row ({reason}): it is not tried again before "
            f"{next_try_at.isoformat(timespec='seconds')}"
        )


def _note_failure(
    warehouse: psycopg2.extensions.connection, vendor: str, error: Exception, settings: Settings, at: datetime
) -> None:
    # A server that is another one, or refuses our key, is not to be asked again and again.
    opens_after = 1 if isinstance(error, VendorAccessError) else settings.vendor_failures_to_open
    cause = error.__cause__ or error.__context__
    # The type alone: what a server says may be anything, and readers of reports see this.
    reason = type(error).__name__ + (f" ({type(cause).__name__})" if cause else "")
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(
            statement("circuit_failure"),
            {"vendor": vendor, "now": at, "reason": reason, "opens_after": opens_after, "first_wait": FIRST_WAIT},
        )

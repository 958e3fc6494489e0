"""Sending what waits in `ops.alert_message`; and what cannot be recorded because the warehouse is gone."""

import logging
import os
from collections.abc import Sequence
from datetime import datetime

import psycopg2.extensions

from arrears.alerts.catalogue import KINDS
from arrears.alerts.destinations import Destination, configured
from arrears.alerts.ledger import statement
from arrears.alerts.message import Message, unrecorded
from arrears.settings import Settings

_log = logging.getLogger(__name__)


def send_waiting(
    warehouse: psycopg2.extensions.connection,
    *,
    now: datetime,
    settings: Settings,
    destinations: Sequence[Destination] | None = None,
) -> int:
    """Send every message that waits, each in a transaction of its own; the number that was taken.

    A destination that fails is left for the next time, with its failure noted; the others get theirs. Two processes
    may send at once. A process that dies between the sending and its note of it sends once more.
    """
    sent = 0
    for destination in configured(settings) if destinations is None else destinations:
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute(statement("waiting"), {"destination": destination.name})
            waiting = [message_id for (message_id,) in cursor.fetchall()]
        for message_id in waiting:
            state = _send_one(warehouse, destination, message_id, now, settings)
            sent += state == "sent"
            if state == "waiting":
                break  # it fails: another message would only take as long to fail
    return sent


def _send_one(
    warehouse: psycopg2.extensions.connection,
    destination: Destination,
    message_id: int,
    now: datetime,
    settings: Settings,
) -> str:
    """The state of the message afterwards."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("take"), {"message_id": message_id})
        row = cursor.fetchone()
        if row is None:
            return "taken"
        occasion, alert_id, code, severity, subject, summary, run_book, log_url, opened_at, is_so = row
        if not is_so:
            cursor.execute("update ops.alert_message set state = 'dropped' where message_id = %s", (message_id,))
            return "dropped"
        since = opened_at.astimezone(settings.bank_tz)
        message = Message(occasion, KINDS[code], severity, subject, summary, run_book, since, alert_id, log_url)
        failure = _try(destination, message)
        if failure:
            cursor.execute(
                "update ops.alert_message set tries = tries + 1, last_error = %s where message_id = %s",
                (failure, message_id),
            )
            return "waiting"
        cursor.execute(
            "update ops.alert_message set state = 'sent', sent_at = %s, tries = tries + 1 where message_id = %s",
            (now, message_id),
        )
        cursor.execute("update ops.alert set last_sent_at = %s where alert_id = %s", (now, alert_id))
        return "sent"


def _try(destination: Destination, message: Message) -> str:
    """Empty where it was taken, otherwise the kind of failure: what a mail server says may hold addresses."""
    try:
        destination.send(message)
    except Exception as error:
        failure = type(error).__name__
        _log.error("ALERT %s %s: %s did not take it: %s", message.kind.code, message.subject, destination.name, failure)
        return failure
    return ""


def tell_unrecorded(summary: str, *, now: datetime, settings: Settings) -> bool:
    """Say that the warehouse cannot be reached, at most once in `alert_repeat_minutes` from this machine.

    Returns:
        Whether it was said now.
    """
    marker = settings.home / "run" / "warehouse_unreachable"
    if marker.exists() and now.timestamp() - marker.stat().st_mtime < settings.alert_repeat_minutes * 60:
        return False
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    os.utime(marker, (now.timestamp(), now.timestamp()))
    message = unrecorded("warehouse_unreachable", "warehouse", summary, occasion="opened", now=now, settings=settings)
    for destination in configured(settings):
        _try(destination, message)
    return True

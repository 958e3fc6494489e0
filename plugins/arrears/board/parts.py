"""What the board shows of a day, part by part: read as `bi_reader`, who can read no personal data whatever is asked.

A part that cannot be read says so in its place, and the others are shown.
"""

import csv
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2.extras import RealDictCursor

from arrears.services.vendors import VENDORS_SEED
from arrears.settings import Settings
from arrears.sql_files import read_statement

_log = logging.getLogger(__name__)

statement = partial(read_statement, "board")
"""The text of `sql/board/<name>.sql`."""

CHANNELS = ("sms", "phone", "field_visit", "legal", "care")
PATIENCE = timedelta(seconds=10)
"""No part may take longer: a page that is slow is of no use to the person on call, and a build goes first."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """The rows of one part, or why there are none."""

    rows: tuple[Row, ...] = ()
    problem: str | None = None

    @property
    def first(self) -> Row | None:
        return self.rows[0] if self.rows else None

    def of(self, **values: object) -> tuple[Row, ...]:
        """The rows in which these columns have these values."""
        return tuple(row for row in self.rows if all(row[name] == value for name, value in values.items()))


@dataclass(frozen=True)
class Day:
    """All that the warehouse says of a business date."""

    loads: Part
    builds: Part
    gates: Part
    red_rules: Part
    batches: Part
    outages: Part
    refused_files: Part
    held_back: Part
    retention: Part
    alerts: Part


@contextmanager
def reader(settings: Settings) -> Iterator[psycopg2.extensions.connection]:
    """A connection that can change nothing and wait for nothing long."""
    with closing(psycopg2.connect(settings.dsn("warehouse", "bi_reader"), connect_timeout=5)) as connection:
        connection.set_session(readonly=True)
        with connection, connection.cursor() as cursor:
            cursor.execute("select set_config('statement_timeout', %s, false)", (str(PATIENCE // _MILLISECOND),))
        yield connection


_MILLISECOND = timedelta(milliseconds=1)


def known_days(connection: psycopg2.extensions.connection) -> list[date]:
    """The business dates of the newest source, newest first. Reads only."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("days"))
        return [day for (day,) in cursor.fetchall()]


def read_day(connection: psycopg2.extensions.connection, day: date, *, now: datetime, settings: Settings) -> Day:
    """Every part of a day. Reads only.

    Args:
        now: Of the clock: whether an answer is late is asked of it, and decides nothing.
    """
    values = {
        "day": day,
        "now": now,
        "allowed": timedelta(minutes=settings.ack_deadline_minutes),
        "acknowledge_stop": _acknowledge_stop(),
    }
    parts = {name: read_part(connection, name, values) for name in Day.__dataclass_fields__}
    return Day(**parts | {"held_back": _held_back(parts["held_back"], day, settings)})


def read_part(connection: psycopg2.extensions.connection, name: str, values: Mapping[str, object]) -> Part:
    """The rows of `sql/board/<name>.sql`, or what is wrong with them. Reads only."""
    try:
        with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(statement(name), values)
            return Part(tuple(dict(row) for row in cursor.fetchall()))
    except psycopg2.Error as error:
        _log.warning("board: %s could not be read: %s", name, type(error).__name__)
        return Part(problem=problem_of(error))


def problem_of(error: psycopg2.Error) -> str:
    """What a reader of the page is told: never what the database says of values."""
    match error:
        case psycopg2.errors.UndefinedTable():
            return "Not there yet: it comes with the first build of the marts."
        case psycopg2.errors.QueryCanceled():
            return f"The warehouse took longer than {PATIENCE.seconds} seconds. It may be busy with a build: try again."
        case psycopg2.OperationalError() | psycopg2.InterfaceError():
            return "The warehouse does not answer."
        case _:
            return f"Could not be read ({type(error).__name__}): the log of the API server says more."


def _acknowledge_stop() -> list[str]:
    with VENDORS_SEED.open(newline="", encoding="utf-8") as file:
        return [row["vendor"] for row in csv.DictReader(file) if row["acknowledges_stop"] == "true"]


def _held_back(decisions: Part, day: date, settings: Settings) -> Part:
    """One row per reason, the most frequent first, with its text and the decisions by channel."""
    if decisions.problem:
        return decisions
    texts = _texts(day, settings)
    by_reason: dict[str, dict[str, int]] = {}
    for row in decisions.rows:
        by_reason.setdefault(row["reason_code"], {})[row["channel"]] = int(row["decisions"])
    rows = [
        {
            "code": code,
            "text": texts.get(code, "A reason that the policy packs no longer explain"),
            "total": sum(by_channel.values()),
            **{channel: by_channel.get(channel, 0) for channel in CHANNELS},
        }
        for code, by_channel in by_reason.items()
    ]
    return Part(tuple(sorted(rows, key=lambda row: (-int(row["total"]), row["code"]))))


def _texts(day: date, settings: Settings) -> dict[str, str]:
    """What each reason means, by the policy packs in force on the day."""
    try:
        with (settings.policy_dir / "suppression_reasons.csv").open(newline="", encoding="utf-8") as file:
            return {
                row["reason_code"]: row["text"]
                for row in csv.DictReader(file)
                if row["valid_from"] <= day.isoformat() and (not row["valid_to"] or day.isoformat() < row["valid_to"])
            }
    except OSError:
        return {}

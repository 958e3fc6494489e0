"""Rebuild a past day, as it was known then or as it is known now, and tell what differs from what was published for it.

The rebuild lies in schemas of its own (`rebuild_staging`, `rebuild_intermediate`, `rebuild_marts`), which stay until
the next one. Nothing that is published changes, nor does the ledger.
"""

from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from arrears.apart import NOTHING_PUBLISHED, alone, create_schemas
from arrears.dbt_build import Progress, build_apart, end_of_knowledge, policy_version
from arrears.errors import ConfigurationError
from arrears.settings import Settings
from arrears.sql_files import read_statement

_statement = partial(read_statement, "rebuild")

PREFIX = "rebuild_"
_MODELS = "+fct_loan_delinquency +fct_delinquency_history +delinquency_tier"


@dataclass(frozen=True)
class Publication:
    """The build that published a day."""

    build_id: int
    published_at: datetime
    """When it took what had been landed."""
    policy_version: str | None
    is_whole: bool
    """Every figure of its loans is still there, as of the newest day, and not only those of the history."""


@dataclass(frozen=True)
class TierDifference:
    """A tier and currency that differ: as published, and as rebuilt."""

    tier: str
    currency: str
    loans: tuple[int, int]
    arrears_amount: tuple[Decimal, Decimal]
    outstanding_principal: tuple[Decimal, Decimal]


@dataclass(frozen=True)
class LoanDifference:
    """A figure of a loan that differs, as text; None stands for null."""

    loan_id: str
    figure: str
    published: str | None
    rebuilt: str | None
    because: dict[str, list[str]]
    """Keys of the rows that only one of the two has used, by table; empty where none explains it."""


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild found."""

    as_of: date
    known_at: datetime | None
    loans: int
    """Loans on the day, as rebuilt."""
    publication: Publication | None
    """None: no build for the day has passed, so there is nothing to compare with."""
    has_other_rules: bool = False
    """The policy packs are not those by which the day was published."""
    differing_loans: int = 0
    tiers: tuple[TierDifference, ...] = ()
    first_loans: tuple[LoanDifference, ...] = ()
    """All figures of the first loans that differ; `rebuild_marts.differences` has all loans."""
    figures: dict[str, int] = field(default_factory=dict)
    """How many loans differ in a figure."""
    causes: dict[str, int] = field(default_factory=dict)
    """How many loans differ by rows of a table; the empty name stands for no row."""
    loans_paused: int = 0
    """How many loans have hardship arrangements that only one of the two has used."""


def rebuild(
    settings: Settings,
    *,
    as_of: date,
    known_at: date | datetime | None = None,
    first_loans: int = 10,
    progress: Progress | None = None,
) -> RebuildReport:
    """Rebuild a day into schemas of its own, which it drops first, and compare it with what was published. Commits.

    `known_at` cuts off what became known later (a date: its end in the bank's time zone); without it everything counts
    that is known now. Killed anywhere it can be run again. Differences are no error.

    Raises:
        ConfigurationError: the day is later than the last that was published, or `known_at` has no offset.
        BuildError: another rebuild is running, or dbt failed.
    """
    cutoff = end_of_knowledge(known_at, settings.bank_tz) if known_at else None
    with (
        closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection,
        alone(connection, "rebuild", "rebuild"),
    ):
        _require_published(connection, as_of)
        create_schemas(connection, PREFIX)
        build_apart(settings, as_of=as_of, known_at=cutoff, prefix=PREFIX, select=_MODELS, progress=progress)
        # One snapshot: a build may be replacing the marts meanwhile.
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
        with connection, connection.cursor() as cursor:
            return _compare(cursor, settings, as_of, cutoff, first_loans)


def _require_published(connection: Connection, as_of: date) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(_statement("newest_day"))
        ((newest,),) = cursor.fetchall()
    if newest is None:
        raise ConfigurationError(NOTHING_PUBLISHED)
    if as_of > newest:
        raise ConfigurationError(f"{as_of} is later than {newest}, the last day that was published: rebuild a past day")


def _compare(
    cursor: Cursor, settings: Settings, as_of: date, known_at: datetime | None, first_loans: int
) -> RebuildReport:
    cursor.execute("select count(*) from rebuild_marts.fct_loan_delinquency")
    ((loans,),) = cursor.fetchall()
    cursor.execute(_statement("publication"), {"as_of": as_of})
    row = cursor.fetchone()
    if row is None:
        return RebuildReport(as_of, known_at, loans, None)
    publication = Publication(*row)
    parameters = {
        "as_of": as_of,
        "build_id": publication.build_id,
        "published_at": publication.published_at,
        "known_at": known_at,
    }
    cursor.execute(_statement("compare_newest" if publication.is_whole else "compare_older"), parameters)
    cursor.execute("analyze compared")
    cursor.execute(_statement("create_differences"), parameters)
    counts = _counts(cursor)
    return RebuildReport(
        as_of,
        known_at,
        loans,
        publication,
        has_other_rules=publication.policy_version not in (None, policy_version(settings.policy_dir)),
        differing_loans=_differing_loans(cursor),
        tiers=_tiers(cursor, as_of),
        first_loans=_first_loans(cursor, first_loans),
        figures=counts["figure"],
        causes=counts["cause"],
        loans_paused=_loans_paused(cursor, parameters),
    )


def _differing_loans(cursor: Cursor) -> int:
    cursor.execute("select count(*) from compared")
    return int(cursor.fetchall()[0][0])


def _loans_paused(cursor: Cursor, parameters: dict[str, Any]) -> int:
    cursor.execute(_statement("loans_paused"), parameters)
    return int(cursor.fetchall()[0][0])


def _counts(cursor: Cursor) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {"figure": {}, "cause": {}}
    cursor.execute(_statement("difference_counts"))
    for of, name, loans in cursor.fetchall():
        counts[of][name] = loans
    return counts


def _tiers(cursor: Cursor, as_of: date) -> tuple[TierDifference, ...]:
    cursor.execute(_statement("tier_differences"), {"as_of": as_of})
    return tuple(
        TierDifference(tier, currency, (row[0], row[1]), (row[2], row[3]), (row[4], row[5]))
        for tier, currency, *row in cursor.fetchall()
    )


def _first_loans(cursor: Cursor, loans: int) -> tuple[LoanDifference, ...]:
    cursor.execute(_statement("loan_differences"), {"loans": loans})
    return tuple(LoanDifference(*row) for row in cursor.fetchall())

"""Whom a change of policy would affect: one day decided by two packs, apart from what is published.

Both are decided in the schemas `policy_staging`, `policy_intermediate` and `policy_marts`; they hold personal data and
are dropped afterwards. Nothing that is published changes, nor does the ledger.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.apart import NOTHING_PUBLISHED, alone, create_schemas, drop_schemas
from arrears.dbt_build import Progress, build_apart
from arrears.errors import ConfigurationError
from arrears.policy.check import require_sound
from arrears.policy.schema import tables
from arrears.settings import Settings
from arrears.sql_files import read_statement

_statement = partial(read_statement, "policy")

PREFIX = "policy_"
_LEDGER = "int_customers__contact_decision"


@dataclass(frozen=True)
class Change:
    """What is decided otherwise in one channel: a reason code, or `contact` with what of it is other."""

    channel: str
    before: str
    after: str
    customers: int
    customer_ids: tuple[str, ...]
    """Empty unless asked for."""


@dataclass(frozen=True)
class PolicyDiff:
    """Whom the second pack would affect."""

    as_of: date
    decisions: int
    """By the second pack."""
    customers: int
    """In scope by the second pack."""
    affected_customers: int
    changes: tuple[Change, ...]
    """In the order of the channels, the greatest first."""


def compare(
    settings: Settings,
    before: Path,
    after: Path,
    *,
    as_of: date,
    with_customers: bool = False,
    progress: Progress | None = None,
) -> PolicyDiff:
    """Decide a day by two policy directories and tell what differs. Commits, in schemas of its own only.

    Both are decided by all that is known now, and the day may lie ahead. How old the flags are is not judged: asked is
    what the packs make of what is known. Of the second pack only what follows from other files is built. Killed
    anywhere it can be run again.

    Raises:
        ConfigurationError: a pack is malformed, or no build of the marts has passed yet.
        BuildError: another comparison is running, or dbt failed.
    """
    for directory in (before, after):
        require_sound(directory)
    ageless = settings.model_copy(update={"flag_feed_max_age_hours": 1_000_000})
    with (
        closing(psycopg2.connect(settings.dsn("warehouse", "pipeline"))) as connection,
        alone(connection, "policy_diff", "comparison of policy packs"),
    ):
        _require_build(connection)
        create_schemas(connection, PREFIX)
        try:
            _decide(ageless, before, as_of, f"+{_LEDGER}", progress)
            _keep_as_before(connection)
            _decide(ageless, after, as_of, _what_follows(before, after), progress)
            return _compared(connection, as_of, with_customers)
        finally:
            drop_schemas(connection, PREFIX)


def _decide(settings: Settings, directory: Path, as_of: date, select: str, progress: Progress | None) -> None:
    chosen = settings.model_copy(update={"policy_dir": directory.resolve()})
    build_apart(chosen, as_of=as_of, known_at=None, prefix=PREFIX, select=select, progress=progress)


def _what_follows(before: Path, after: Path) -> str:
    """dbt's selection of the ledger and of what lies between it and the seeds that differ."""
    others = [
        name for name in tables() if (before / f"{name}.csv").read_bytes() != (after / f"{name}.csv").read_bytes()
    ]
    return " ".join([_LEDGER, *(f"{name}+,+{_LEDGER}" for name in others)])


def _require_build(connection: Connection) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("select exists (select from ops.mart_build where state = 'passed')")
        if cursor.fetchone() != (True,):
            raise ConfigurationError(NOTHING_PUBLISHED)


def _keep_as_before(connection: Connection) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(f"alter table policy_intermediate.{_LEDGER} rename to decided_before")


def _compared(connection: Connection, as_of: date, with_customers: bool) -> PolicyDiff:
    with connection, connection.cursor() as cursor:
        cursor.execute(_statement("create_changed"))
        cursor.execute(_statement("totals"))
        ((decisions, customers, affected),) = cursor.fetchall()
        cursor.execute(_statement("changes"), {"with_customers": with_customers})
        changes = tuple(
            Change(channel, earlier, later, count, tuple(ids))
            for channel, earlier, later, count, ids in cursor.fetchall()
        )
    return PolicyDiff(as_of, decisions, customers, affected, changes)

"""Make a day's decisions final before any list leaves."""

from datetime import date, datetime, timedelta

import psycopg2.extensions

from arrears.business_date import REPLAYED_DISPATCH, business_now
from arrears.delivery import ledger
from arrears.delivery.statements import statement
from arrears.errors import DeliveryError
from arrears.settings import Settings, get_settings

FLAGS = "customer_flags"


def seal_day(
    warehouse: psycopg2.extensions.connection,
    *,
    as_of: date,
    build_id: int | None = None,
    settings: Settings | None = None,
    now: datetime | None = None,
) -> None:
    """Seal the day: no build changes its decisions any more; an approval still adds its row. Commits; again is fine.

    Fails closed: without a fresh feed of customer flags no list of the day may leave.

    Args:
        build_id: The build that decided; the newest of the day that passed its gate unless given.
        now: The instant against which flags are fresh or stale; the day's dispatch unless given.

    Raises:
        DeliveryError: the marts of that day did not pass, or the flags are missing or too old.
    """
    settings = settings or get_settings()
    now = now or business_now(as_of, settings.bank_tz, REPLAYED_DISPATCH)
    with warehouse, warehouse.cursor() as cursor:
        if is_sealed(warehouse, as_of):
            return
        _require_fresh_flags(warehouse, as_of, now, timedelta(hours=settings.flag_feed_max_age_hours))
        cursor.execute(
            statement("seal_day"),
            {"generation": ledger.newest_generation(warehouse), "as_of": as_of, "build_id": build_id},
        )
        if cursor.rowcount == 0 and not is_sealed(warehouse, as_of):
            raise DeliveryError(
                f"{as_of} cannot be sealed: expected a build of its marts that passed the gate, found none; "
                f"run `arrears run --as-of {as_of} --until marts` first"
            )


def is_sealed(warehouse: psycopg2.extensions.connection, as_of: date) -> bool:
    """Whether a day's decisions are final. Reads only."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select exists (select from ops.sealed_day where as_of = %s"
            " and generation = (select max(generation) from ops.source_generation))",
            (as_of,),
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def _require_fresh_flags(
    warehouse: psycopg2.extensions.connection, as_of: date, now: datetime, max_age: timedelta
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(statement("flag_feed"), {"table_name": FLAGS})
        row = cursor.fetchone()
    mode, complete_to = row if row else ("feed", None)
    if complete_to is None:
        # A source that was loaded from files is complete as it is; it may state a time, and then that counts.
        if mode == "static":
            return
        raise DeliveryError(
            f"no list of {as_of} may leave: expected `feed_status` to say how complete {FLAGS} is, found nothing; "
            "ask core banking for the feed"
        )
    if now - complete_to > max_age:
        raise DeliveryError(
            f"no list of {as_of} may leave: expected {FLAGS} complete within {max_age.total_seconds() / 3600:.0f} "
            f"hours of {now.isoformat()}, found it complete to {complete_to.isoformat()}; ask core banking for the feed"
        )

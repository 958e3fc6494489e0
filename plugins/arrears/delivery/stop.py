"""The stop file: what a vendor must drop of earlier lists before it gets today's."""

from datetime import date, datetime

import psycopg2.extensions

from arrears.delivery import ledger, lists, references
from arrears.delivery.ledger import Batch, Item
from arrears.delivery.statements import statement
from arrears.delivery.vendors import ALL_CHANNELS, get_vendor
from arrears.domain.batch_state import GIVEN_UP, BatchState
from arrears.errors import DeliveryError
from arrears.settings import Settings


def plan_stop(
    warehouse: psycopg2.extensions.connection,
    *,
    vendor: str,
    as_of: date,
    settings: Settings,
    now: datetime | None = None,
) -> Batch:
    """Plan a vendor's stop file of the day: every row of its earlier lists that is still open. Commits.

    There is one a day; planned again it is the same. A legal referral goes on from day to day and is stopped only when
    the day's decisions no longer allow it.

    Args:
        now: When the stop takes effect. The database's clock unless given.
    """
    key = references.secret_key(settings)
    with warehouse:
        ledger.lock_planning(warehouse, as_of)
        existing = ledger.batches_of(warehouse, kind="stop", channel=ALL_CHANNELS, vendor=vendor, as_of=as_of)
        if existing:
            return existing[-1]
        items = _open_items(warehouse, vendor, as_of)
        draft = lists.Draft(
            kind="stop",
            channel=ALL_CHANNELS,
            vendor=vendor,
            generation=ledger.newest_generation(warehouse),
            as_of=as_of,
            valid_until=get_vendor(warehouse, vendor).cut_off_at(as_of, settings.bank_tz),
            inputs_hmac=references.fingerprint(key, items),
            row_count=len(items),
        )
        batch, _ = lists.plan_one(warehouse, draft, now=now, settings=settings)
        ledger.insert_items(warehouse, batch.batch_id, items)
    return batch


def prepare_stop(
    warehouse: psycopg2.extensions.connection, *, vendor: str, as_of: date, settings: Settings, now: datetime
) -> Batch:
    """Plan, write and check a vendor's stop file: all that needs no vendor. Commits; running again is safe.

    Raises:
        As `gate_batch`.
    """
    batch = plan_stop(warehouse, vendor=vendor, as_of=as_of, settings=settings, now=now)
    lists.write_batch(warehouse, batch_id=batch.batch_id, settings=settings)
    lists.gate_batch(warehouse, batch_id=batch.batch_id, settings=settings)
    return batch


def stop_accepted(warehouse: psycopg2.extensions.connection, vendor: str, as_of: date) -> bool:
    """Whether today's lists may follow: the stop file is acknowledged, or uploaded where the vendor never acknowledges.

    Reads only.
    """
    waits_for_answer = get_vendor(warehouse, vendor).acknowledges_stop
    enough = {"acknowledged", "closed"} | (set() if waits_for_answer else {"uploaded"})
    return bool(enough & _stop_states(warehouse, vendor, as_of))


def require_stop_possible(warehouse: psycopg2.extensions.connection, vendor: str, as_of: date) -> None:
    """Wait for no answer that cannot come. Reads only.

    Raises:
        DeliveryError: the vendor refused its stop file, or could not be reached in time.
    """
    given_up = GIVEN_UP & {BatchState(state) for state in _stop_states(warehouse, vendor, as_of)}
    if given_up:
        raise DeliveryError(
            f"the stop file of {as_of} for {vendor} is {', '.join(sorted(given_up))}: none of its lists may follow"
        )


def _stop_states(warehouse: psycopg2.extensions.connection, vendor: str, as_of: date) -> set[str]:
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select state from ops.delivery_batch where kind = 'stop' and vendor = %s and as_of = %s", (vendor, as_of)
        )
        return {state for (state,) in cursor.fetchall()}


def _open_items(warehouse: psycopg2.extensions.connection, vendor: str, as_of: date) -> list[Item]:
    with warehouse.cursor() as cursor:
        cursor.execute(statement("open_items"), {"vendor": vendor, "as_of": as_of})
        return [Item(*row) for row in cursor.fetchall()]

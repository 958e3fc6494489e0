"""The delivery ledger in `ops`: batches, what their references stand for, their files and their history.

Nothing here commits; the caller does, so that a step and its trace are one transaction.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg2.extensions
from psycopg2.extras import Json, execute_values

from arrears.delivery.statements import statement
from arrears.domain.batch_state import WAITING, BatchState, may_follow
from arrears.errors import DeliveryError

MANIFEST_SUFFIX = ".manifest.json"


@dataclass(frozen=True)
class Batch:
    """One row of `ops.delivery_batch`."""

    batch_id: str
    kind: str
    channel: str
    vendor: str
    generation: int
    as_of: date
    sequence: int
    state: BatchState
    row_count: int
    planned_at: datetime
    valid_until: datetime
    supersedes: str | None
    inputs_hmac: str
    sending_since: datetime | None

    @property
    def manifest_name(self) -> str:
        return self.batch_id + MANIFEST_SUFFIX


BatchPlan = Batch
"""A batch as planned: which vendor gets which rows under which id. What `plan_…` functions return."""


@dataclass(frozen=True)
class StoredFile:
    """One file of a batch, as it goes to the vendor."""

    name: str
    content: bytes
    row_count: int = 0
    control_totals: Mapping[str, Mapping[str, str]] | None = None
    encryption: str = "none"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Item:
    """What one reference stands for."""

    contact_ref: str
    customer_id: str
    currency: str
    contact_point_id: str | None = None
    reason: str | None = None
    pay_link_token: str | None = None
    contact_customer_id: str | None = None
    """Whom the row reaches: the borrower, or somebody else who owes."""


def newest_generation(warehouse: psycopg2.extensions.connection) -> int:
    """The source generation that marts are built from.

    Raises:
        DeliveryError: nothing was ever loaded.
    """
    with warehouse.cursor() as cursor:
        cursor.execute("select max(generation) from ops.source_generation")
        row = cursor.fetchone()
    if row is None or row[0] is None:
        raise DeliveryError(
            "no source was ever loaded, so there is nothing to deliver: run `arrears source load` first"
        )
    return int(row[0])


def get_batch(warehouse: psycopg2.extensions.connection, batch_id: str, *, lock: bool = False) -> Batch:
    """The batch; with `lock` its row is held until the transaction ends.

    Raises:
        DeliveryError: no such batch.
    """
    query = statement("batch") + " where batch_id = %s" + (" for update" if lock else "")
    with warehouse.cursor() as cursor:
        cursor.execute(query, (batch_id,))
        row = cursor.fetchone()
    if row is None:
        raise DeliveryError(f"batch {batch_id}: not in the ledger; expected one that was planned")
    return _batch(row)


def batches_of(
    warehouse: psycopg2.extensions.connection, *, kind: str, channel: str, vendor: str, as_of: date
) -> list[Batch]:
    """A vendor's batches of one kind, channel and day, oldest first, their rows held until the transaction ends."""
    query = statement("batch") + (
        " where kind = %s and channel = %s and vendor = %s and as_of = %s order by sequence for update"
    )
    with warehouse.cursor() as cursor:
        cursor.execute(query, (kind, channel, vendor, as_of))
        return [_batch(row) for row in cursor.fetchall()]


def batches_on(warehouse: psycopg2.extensions.connection, as_of: date) -> list[Batch]:
    """Every batch of a day, by vendor and kind, oldest first."""
    query = statement("batch") + " where as_of = %s order by vendor, kind, channel, sequence"
    with warehouse.cursor() as cursor:
        cursor.execute(query, (as_of,))
        return [_batch(row) for row in cursor.fetchall()]


def waiting(warehouse: psycopg2.extensions.connection, *, as_of: date, kind: str | None = None) -> list[Batch]:
    """The batches of a day (of one kind) that their vendors do not have yet, by vendor, oldest first."""
    query = statement("batch") + (
        " where as_of = %s and kind = coalesce(%s, kind) and state in ('planned', 'written') order by vendor, sequence"
    )
    with warehouse.cursor() as cursor:
        cursor.execute(query, (as_of, kind))
        return [_batch(row) for row in cursor.fetchall()]


def expired(warehouse: psycopg2.extensions.connection, *, vendor: str, since: date) -> list[Batch]:
    """A vendor's batches that expired, of this day and later ones."""
    query = statement("batch") + " where vendor = %s and as_of >= %s and state = 'expired' order by batch_id"
    with warehouse.cursor() as cursor:
        cursor.execute(query, (vendor, since))
        return [_batch(row) for row in cursor.fetchall()]


def adopted(warehouse: psycopg2.extensions.connection, *, vendor: str, as_of: date) -> list[Batch]:
    """A vendor's batches of a day that were found there and are not lost (`adopt`); lists first."""
    query = statement("batch") + (
        " where vendor = %s and as_of = %s and adopted_at is not null order by kind <> 'contact_list', batch_id"
    )
    with warehouse.cursor() as cursor:
        cursor.execute(query, (vendor, as_of))
        return [_batch(row) for row in cursor.fetchall()]


def newly_recalled(warehouse: psycopg2.extensions.connection, recall: Batch) -> int:
    """Rows of a recall file that no earlier one of the day that its vendor has named: each holds all before it."""
    known = [
        batch.row_count
        for batch in batches_on(warehouse, recall.as_of)
        if (batch.kind, batch.vendor) == (recall.kind, recall.vendor)
        and batch.sequence < recall.sequence
        and batch.state not in WAITING | {BatchState.EXPIRED, BatchState.SUPERSEDED}
    ]
    return recall.row_count - max(known, default=0)


def lock_planning(warehouse: psycopg2.extensions.connection, as_of: date) -> None:
    """Let one process plan a day's batches at a time; held until the transaction ends."""
    with warehouse.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('arrears.plan'), %s)", (as_of.toordinal(),))


def insert_batch(warehouse: psycopg2.extensions.connection, batch: Batch, acknowledge_by: datetime) -> None:
    """Write a planned batch and the first line of its history."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            statement("insert_batch"),
            {**vars(batch), "state": batch.state.value, "acknowledge_by": acknowledge_by},
        )
    _event(warehouse, batch.batch_id, None, batch.state, f"{batch.row_count} rows")


def transition(
    warehouse: psycopg2.extensions.connection, *, batch_id: str, to: BatchState, detail: str | None = None
) -> None:
    """Move a batch to another state and note it. Staying where it is changes nothing.

    Args:
        detail: For the history; holds no personal data.

    Raises:
        DeliveryError: the step is not allowed from where the batch is.
    """
    batch = get_batch(warehouse, batch_id, lock=True)
    if batch.state == to:
        return
    if not may_follow(batch.state, to):
        raise DeliveryError(f"batch {batch_id} is {batch.state}: it cannot become {to}")
    with warehouse.cursor() as cursor:
        cursor.execute(
            "update ops.delivery_batch set state = %s, refused_reason = case when %s then %s else refused_reason end"
            " where batch_id = %s",
            (to.value, to == BatchState.REFUSED, detail, batch_id),
        )
    _event(warehouse, batch_id, batch.state, to, detail)


def expire(warehouse: psycopg2.extensions.connection, batch_id: str, leaves_by: datetime) -> None:
    """Note that a batch could not leave in time."""
    detail = f"to leave by {leaves_by.isoformat()}, not delivered by then"
    transition(warehouse, batch_id=batch_id, to=BatchState.EXPIRED, detail=detail)


def note(warehouse: psycopg2.extensions.connection, batch: Batch, detail: str) -> None:
    """A line in the batch's history that is no step."""
    _event(warehouse, batch.batch_id, batch.state, batch.state, detail)


def mark_sending(warehouse: psycopg2.extensions.connection, batch_id: str, now: datetime) -> None:
    """From here on the vendor may have the manifest: commit this before it is sent."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            "update ops.delivery_batch set sending_since = coalesce(sending_since, %s) where batch_id = %s",
            (now, batch_id),
        )


def mark_adopted(warehouse: psycopg2.extensions.connection, batch_id: str, left_at: datetime) -> None:
    """Note that a batch was found at its vendor, and since when that has it."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            "update ops.delivery_batch set adopted_at = clock_timestamp(), sending_since = %s where batch_id = %s",
            (left_at, batch_id),
        )


def remove_unsent(warehouse: psycopg2.extensions.connection, batch: Batch) -> None:
    """Forget batches that never left: those in the place of this one and after it, and later stop files without it."""
    with warehouse.cursor() as cursor:
        cursor.execute(statement("remove_unsent"), vars(batch))


def set_acknowledge_by(warehouse: psycopg2.extensions.connection, batch_id: str, instant: datetime) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("update ops.delivery_batch set acknowledge_by = %s where batch_id = %s", (instant, batch_id))


def insert_items(warehouse: psycopg2.extensions.connection, batch_id: str, items: Iterable[Item]) -> None:
    rows = [
        (batch_id, i.contact_ref, i.customer_id, i.currency, i.contact_point_id, i.reason)
        + (i.pay_link_token, i.contact_customer_id)
        for i in items
    ]
    with warehouse.cursor() as cursor:
        execute_values(cursor, statement("insert_items"), rows, page_size=1000)


def gather_statistics(warehouse: psycopg2.extensions.connection) -> None:
    """Let PostgreSQL know how many rows the newest batches have.

    As long as few batches are there, it takes one that it does not know for empty, and reads all others once per row.
    """
    with warehouse.cursor() as cursor:
        cursor.execute("analyze ops.delivery_batch (batch_id, as_of), ops.delivery_item (batch_id, customer_id)")


def items(warehouse: psycopg2.extensions.connection, batch_id: str) -> list[Item]:
    """Every item of a batch, by its reference."""
    with warehouse.cursor() as cursor:
        cursor.execute(statement("items"), (batch_id,))
        return [Item(*row) for row in cursor.fetchall()]


def store_files(
    warehouse: psycopg2.extensions.connection, batch_id: str, stored: Sequence[StoredFile], *, first_position: int = 0
) -> None:
    """Keep files of a batch, in the order in which they are sent."""
    with warehouse.cursor() as cursor:
        for position, file in enumerate(stored, start=first_position):
            cursor.execute(
                statement("insert_file"),
                {
                    "batch_id": batch_id,
                    "name": file.name,
                    "position": position,
                    "content": file.content,
                    "sha256": file.sha256,
                    "row_count": file.row_count,
                    "control_totals": Json(file.control_totals or {}),
                    "encryption": file.encryption,
                },
            )


def remove_files(warehouse: psycopg2.extensions.connection, batch_id: str) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute("delete from ops.delivery_file where batch_id = %s", (batch_id,))


def files(warehouse: psycopg2.extensions.connection, batch_id: str) -> list[StoredFile]:
    """The files of a batch in the order in which they are sent: the list, its evidence, the manifest."""
    with warehouse.cursor() as cursor:
        cursor.execute(statement("files"), (batch_id,))
        return [
            StoredFile(name, bytes(content), row_count, control_totals, encryption)
            for name, content, row_count, control_totals, encryption in cursor.fetchall()
        ]


def _batch(row: tuple[object, ...]) -> Batch:
    batch_id, kind, channel, vendor, generation, as_of, sequence, state, *rest = row
    return Batch(batch_id, kind, channel, vendor, generation, as_of, sequence, BatchState(str(state)), *rest)  # type: ignore[arg-type]


def _event(
    warehouse: psycopg2.extensions.connection,
    batch_id: str,
    from_state: BatchState | None,
    to_state: BatchState,
    detail: str | None,
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(
            "insert into ops.delivery_event (batch_id, from_state, to_state, detail) values (%s, %s, %s, %s)",
            (batch_id, from_state.value if from_state else None, to_state.value, detail),
        )

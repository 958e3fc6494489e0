"""Contact lists: plan them from the decisions, write their bytes, and let them pass the gate.

`plan_batches` decides which customers go into which batch, `write_batch` makes the files, `gate_batch` reads those
bytes back and, when all is well, stores the manifest without which nothing leaves (see `send.deliver`). Each may be run
again or killed at any point.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2.extensions
from psycopg2 import sql
from psycopg2.extras import RealDictCursor

from arrears.delivery import csv_file, evidence, ledger, list_gate, manifest, references
from arrears.delivery.layouts import CHANNELS, FIELD_VISIT, LEGAL, Layout, layout_of
from arrears.delivery.ledger import Batch, BatchPlan, Item, StoredFile
from arrears.delivery.statements import statement
from arrears.delivery.tours import Visit, plan_tours
from arrears.delivery.vendors import Vendor, all_vendors, get_vendor
from arrears.domain.batch_state import WAITING, BatchState
from arrears.domain.money import format_amount
from arrears.errors import DeliveryError, GateBrokenError, GateError
from arrears.hooks import openpgp
from arrears.quality.suites import record, require_green
from arrears.settings import Settings, get_settings

if TYPE_CHECKING:
    from arrears.quality.suites import RuleResult

Row = Mapping[str, object]


@dataclass(frozen=True)
class Draft:
    """A batch before it has an id: what it would hold."""

    kind: str
    channel: str
    vendor: str
    generation: int
    as_of: date
    valid_until: datetime
    inputs_hmac: str
    row_count: int

    @property
    def is_cumulative(self) -> bool:
        """Whether a newer file holds what an older one said: then one may follow what the vendor has already."""
        return self.kind == "recall"


def plan_batches(
    warehouse: psycopg2.extensions.connection,
    *,
    as_of: date,
    now: datetime | None = None,
    settings: Settings | None = None,
    vendor: str | None = None,
) -> list[BatchPlan]:
    """Plan a day's contact lists, one for each vendor and channel, empty ones too. Commits.

    Planned from the same decisions, a batch is the one that is there already, unless the vendor refused it as a whole.
    Then, and when the decisions changed, a new sequence supersedes the old batch, unless the vendor has it or may have
    it: then the old one stays as it was.

    Args:
        vendor: Only this vendor's.
        now: When the plan is made: `created_at` of the manifests. The database's clock unless given.

    Raises:
        DeliveryError: the marts of that day were not built.
    """
    settings = settings or get_settings()
    key = references.secret_key(settings)
    with warehouse:
        ledger.lock_planning(warehouse, as_of)
        generation = ledger.newest_generation(warehouse)
        _require_marts(warehouse, as_of, generation)
        return [
            _plan_list(warehouse, row, key, as_of=as_of, generation=generation, now=now, settings=settings)
            for row in all_vendors(warehouse)
            if vendor in (None, row.name)
        ]


def expire_overdue(
    warehouse: psycopg2.extensions.connection, *, as_of: date, now: datetime, settings: Settings
) -> None:
    """Let a day's batches that did not leave in time expire, even where no vendor can be reached. Does not commit.

    One whose manifest may be at the vendor is left to `send.deliver`, which can look.
    """
    vendors = {(vendor.name, vendor.channel): vendor for vendor in all_vendors(warehouse)}
    for batch in ledger.waiting(warehouse, as_of=as_of):
        vendor = vendors.get((batch.vendor, batch.channel))
        leaves_by = vendor.leaves_by(batch, settings.bank_tz) if vendor else batch.valid_until
        # Looked at again under its lock: a moment ago it may have gone out, or been superseded.
        if now > leaves_by and _is_at_home(ledger.get_batch(warehouse, batch.batch_id, lock=True)):
            ledger.expire(warehouse, batch.batch_id, leaves_by)


def write_batch(warehouse: psycopg2.extensions.connection, *, batch_id: str, settings: Settings) -> None:
    """Make the files of a planned batch and store them: state `written`. Commits; a batch further on stays as it is.

    Raises:
        DeliveryError: the decisions changed since the plan, a value cannot be written, the vendor's key is missing or
            expired, or the batch is superseded. Nothing was stored.
    """
    with warehouse:
        batch = ledger.get_batch(warehouse, batch_id, lock=True)
        if batch.state is BatchState.PLANNED:
            layout = layout_of(batch.kind, batch.channel)
            certificate_of(warehouse, batch, settings)
            files = _list_files(warehouse, batch, layout, settings) if batch.kind == "contact_list" else []
            ledger.store_files(warehouse, batch_id, files or [_drop_file(warehouse, batch, layout, settings)])
            ledger.transition(warehouse, batch_id=batch_id, to=BatchState.WRITTEN)
        elif batch.state is BatchState.SUPERSEDED:
            raise DeliveryError(f"batch {batch_id} is superseded: expected a planned one; plan the day again")


def gate_batch(
    warehouse: psycopg2.extensions.connection,
    *,
    batch_id: str,
    docs_dir: Path | None = None,
    settings: Settings | None = None,
) -> "list[RuleResult]":
    """Check a written batch by its own bytes; when all is green, encrypt it where required and store its manifest.

    Commits the results either way, and the sealed files with them. A batch that has its manifest already is not checked
    again (its plain text may be gone), nor is one that expired or was refused.

    Args:
        docs_dir: Where Data Docs live; None renders no page.

    Raises:
        GateError: a rule is red. The batch cannot leave.
        GateBrokenError: a rule could not be run. The batch cannot leave.
        DeliveryError: it is not written, or the vendor's key is missing or expired.
    """
    settings = settings or get_settings()
    with warehouse:
        batch = ledger.get_batch(warehouse, batch_id)
        files = ledger.files(warehouse, batch_id)
        if _needs_no_gate(batch, files):
            return []
        if batch.state is not BatchState.WRITTEN:
            raise DeliveryError(f"batch {batch_id} is {batch.state}: expected a written one at the gate")
        results = list_gate.check(warehouse, batch, files, docs_dir=docs_dir, visits_per_tour=settings.visits_per_tour)
    if not results:
        raise GateBrokenError(f"the gate of {batch_id} returned no result at all: nothing was decided")
    with warehouse:
        # Checked outside a lock: seal exactly what was checked, or nothing. The same task may run twice at once.
        batch = ledger.get_batch(warehouse, batch_id, lock=True)
        if _needs_no_gate(batch, ledger.files(warehouse, batch_id)):
            return results
        layout = layout_of(batch.kind, batch.channel)
        record(
            warehouse,
            border="contact_list",
            subject=layout.name,
            reference=batch_id,
            as_of=batch.as_of,
            results=results,
        )
        red = _red(results, batch_id)
        if red is None:
            _seal(warehouse, batch, files, settings)
        else:
            ledger.note(warehouse, batch, "stopped at the gate")
    if red is not None:
        raise red
    return results


def _needs_no_gate(batch: Batch, files: Sequence[StoredFile]) -> bool:
    has_ended = batch.state in (BatchState.EXPIRED, BatchState.REFUSED)
    return has_ended or any(file.name == batch.manifest_name for file in files)


# Planning -----------------------------------------------------------------------------------------------------------


def _plan_list(
    warehouse: psycopg2.extensions.connection,
    vendor: Vendor,
    key: bytes,
    *,
    as_of: date,
    generation: int,
    now: datetime | None,
    settings: Settings,
) -> Batch:
    layout = CHANNELS[vendor.channel]
    rows = read_rows(warehouse, layout, as_of=as_of, vendor=vendor.name)
    draft = Draft(
        kind="contact_list",
        channel=vendor.channel,
        vendor=vendor.name,
        generation=generation,
        as_of=as_of,
        valid_until=_valid_until(layout, rows, vendor.cut_off_at(as_of, settings.bank_tz)),
        inputs_hmac=_fingerprint(key, rows),
        row_count=len(rows),
    )
    batch, is_new = plan_one(warehouse, draft, now=now, settings=settings)
    if is_new:
        ledger.insert_items(warehouse, batch.batch_id, _items(key, batch.batch_id, rows))
        ledger.gather_statistics(warehouse)
    return batch


def plan_one(
    warehouse: psycopg2.extensions.connection, draft: Draft, *, now: datetime | None, settings: Settings
) -> tuple[Batch, bool]:
    """The batch for a draft, and whether it is new (its items are then still to be inserted). Does not commit."""
    earlier = ledger.batches_of(
        warehouse, kind=draft.kind, channel=draft.channel, vendor=draft.vendor, as_of=draft.as_of
    )
    latest = earlier[-1] if earlier else None
    replaces = latest if latest and _may_be_superseded(latest) else None
    is_made = latest and latest.inputs_hmac == draft.inputs_hmac and not _is_refused_whole(warehouse, latest)
    if latest and (is_made or not (replaces or draft.is_cumulative)):
        return latest, False
    sequence = latest.sequence + 1 if latest else 1
    prefix = draft.channel if draft.kind == "contact_list" else draft.kind.replace("_", "-")
    planned_at = now or _clock(warehouse)
    batch = Batch(
        batch_id=f"{prefix}-{draft.vendor}-{draft.as_of:%Y%m%d}-{sequence:02d}",
        kind=draft.kind,
        channel=draft.channel,
        vendor=draft.vendor,
        generation=draft.generation,
        as_of=draft.as_of,
        sequence=sequence,
        state=BatchState.PLANNED,
        row_count=draft.row_count,
        planned_at=planned_at,
        valid_until=draft.valid_until,
        supersedes=replaces.batch_id if replaces else None,
        inputs_hmac=draft.inputs_hmac,
        sending_since=None,
    )
    if replaces and replaces.state in WAITING:
        ledger.transition(
            warehouse, batch_id=replaces.batch_id, to=BatchState.SUPERSEDED, detail=f"by {batch.batch_id}"
        )
    ledger.insert_batch(warehouse, batch, planned_at + timedelta(minutes=settings.ack_deadline_minutes))
    return batch, True


def read_rows(warehouse: psycopg2.extensions.connection, layout: Layout, *, as_of: date, vendor: str) -> list[Row]:
    """The rows decided for a vendor's list, by customer and currency; for legal only those that two people approved."""
    query = sql.SQL(statement("list_rows")).format(
        columns=sql.SQL(",\n    ").join(sql.Identifier("list", name) for name in _queried(layout)),
        table=sql.Identifier("intermediate", f"int_contact_list__{layout.name}"),
        condition=sql.SQL(statement("approved_condition") if layout is LEGAL else "true"),
    )
    with warehouse.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(query, {"as_of": as_of, "vendor": vendor, "channel": layout.name})
        return [dict(row) for row in cursor.fetchall()]


def _queried(layout: Layout) -> list[str]:
    keys = ["customer_id", "currency", "contact_point_id"]
    return keys + [name for name in layout.queried_columns if name not in keys]


def _require_marts(warehouse: psycopg2.extensions.connection, as_of: date, generation: int) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select exists (select from ops.mart_build where as_of = %s and generation = %s and state = 'passed')",
            (as_of, generation),
        )
        row = cursor.fetchone()
    if row is None or not row[0]:
        raise DeliveryError(
            f"contact lists of {as_of}: expected marts of that day that passed their gate, found none; "
            f"run `arrears run --as-of {as_of} --until marts` first"
        )


def _valid_until(layout: Layout, rows: Sequence[Row], cut_off: datetime) -> datetime:
    if layout.window is None or not rows:
        return cut_off
    ends = [row[layout.window[1]] for row in rows]
    return max((end for end in ends if isinstance(end, datetime)), default=cut_off)


def _is_at_home(batch: Batch) -> bool:
    """Whether the vendor neither has it nor may have it, and it waits to be sent."""
    return batch.state in WAITING and batch.sending_since is None


def _may_be_superseded(batch: Batch) -> bool:
    """Whether nothing of it was taken up, and nothing can have been."""
    return _is_at_home(batch) or batch.state in (BatchState.REFUSED, BatchState.EXPIRED)


def _is_refused_whole(warehouse: psycopg2.extensions.connection, batch: Batch) -> bool:
    """Whether the vendor took no row of a list, as one that it cannot decrypt: then nobody is contacted from it."""
    if batch.kind != "contact_list" or batch.state is not BatchState.REFUSED:
        return False
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select accepted = 0 from landing.vendor_ack where batch_id = %s order by _row_id desc limit 1",
            (batch.batch_id,),
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def _fingerprint(key: bytes, rows: Sequence[Row]) -> str:
    return references.fingerprint(key, [value for row in rows for value in row.values()])


def _items(key: bytes, batch_id: str, rows: Sequence[Row]) -> list[Item]:
    items = []
    for row in rows:
        of = {"batch_id": batch_id, "customer_id": str(row["customer_id"]), "currency": str(row["currency"])}
        items.append(
            Item(
                contact_ref=references.contact_ref(key, **of),
                customer_id=of["customer_id"],
                currency=of["currency"],
                contact_point_id=_text(row["contact_point_id"]),
                contact_customer_id=_text(row["contact_customer_id"]),
                pay_link_token=references.pay_link_token(key, **of) if "template_id" in row else None,
            )
        )
    return items


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _clock(warehouse: psycopg2.extensions.connection) -> datetime:
    with warehouse.cursor() as cursor:
        cursor.execute("select date_trunc('second', clock_timestamp())")
        row = cursor.fetchone()
    assert row is not None
    instant: datetime = row[0]
    return instant


# Writing ------------------------------------------------------------------------------------------------------------


def _list_files(
    warehouse: psycopg2.extensions.connection, batch: Batch, layout: Layout, settings: Settings
) -> list[StoredFile]:
    rows = read_rows(warehouse, layout, as_of=batch.as_of, vendor=batch.vendor)
    if _fingerprint(references.secret_key(settings), rows) != batch.inputs_hmac:
        raise DeliveryError(
            f"batch {batch.batch_id}: the decisions changed since it was planned; plan the day again to supersede it"
        )
    if layout is FIELD_VISIT:
        rows = _with_stops(rows, settings)
    by_customer = {(str(row["customer_id"]), str(row["currency"])): row for row in rows}
    items = ledger.items(warehouse, batch.batch_id)
    complete = [_complete(by_customer[item.customer_id, item.currency], item, batch, layout) for item in items]
    currencies = [item.currency for item in items]
    content = csv_file.render(layout, complete, currencies, settings.bank_tz)
    list_file = StoredFile(
        name=f"{batch.batch_id}.csv",
        content=content,
        row_count=len(complete),
        control_totals=control_totals(layout, complete, currencies),
    )
    if layout is not LEGAL:
        return [list_file]
    arrears = {key: Decimal(str(row["arrears_amount"])) for key, row in by_customer.items()}
    return [list_file, *evidence.files(warehouse, batch, items, arrears=arrears, time_zone=settings.bank_time_zone)]


def _with_stops(rows: Sequence[Row], settings: Settings) -> list[Row]:
    """The visits, each with its place in the day's tours."""
    visits = [
        Visit(
            address=str(row["address"]),
            city=_text(row["city"]),
            postal_code=_text(row["postal_code"]),
            latitude=_number(row["latitude"]),
            longitude=_number(row["longitude"]),
            after=_instant(row["visit_after"]),
            before=_instant(row["visit_before"]),
        )
        for row in rows
    ]
    stops = plan_tours(visits, settings)
    return [{**row, "route": stop.route, "stop": stop.stop} for row, stop in zip(rows, stops, strict=True)]


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise DeliveryError("a visit without a window: expected visit_after and visit_before on every row")
    return value


def _complete(row: Row, item: Item, batch: Batch, layout: Layout) -> Row:
    """The row with what delivery itself makes."""
    made = {"contact_ref": item.contact_ref, "pay_link_token": item.pay_link_token}
    if layout is LEGAL:
        made["evidence_file"] = evidence.stem(batch, item) + ".pdf" + openpgp.SUFFIX
    return {**row, **made}


def _drop_file(
    warehouse: psycopg2.extensions.connection, batch: Batch, layout: Layout, settings: Settings
) -> StoredFile:
    """A stop or recall file: all of it is in the ledger."""
    with warehouse.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statement("drop_rows"), {"batch_id": batch.batch_id})
        rows = [dict(row) for row in cursor.fetchall()]
    content = csv_file.render(layout, rows, ["XXX"] * len(rows), settings.bank_tz)
    return StoredFile(name=f"{batch.batch_id}.csv", content=content, row_count=len(rows))


def control_totals(layout: Layout, rows: Sequence[Row], currencies: Sequence[str]) -> dict[str, dict[str, str]]:
    """The sums by currency and column that the manifest states."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row, currency in zip(rows, currencies, strict=True):
        for column in layout.control_total_columns:
            amount = row[column] if isinstance(row[column], Decimal) else Decimal(0)
            sums[currency][column] = sums[currency].get(column, Decimal(0)) + Decimal(str(amount))
    return {
        currency: {column: format_amount(total, currency) for column, total in sorted(by_column.items())}
        for currency, by_column in sorted(sums.items())
    }


# Sealing ------------------------------------------------------------------------------------------------------------


def certificate_of(
    warehouse: psycopg2.extensions.connection, batch: Batch, settings: Settings
) -> openpgp.Certificate | None:
    """The vendor's certificate where the batch is to be encrypted, None where it goes as it is.

    Raises:
        DeliveryError: the certificate is missing, expired or revoked, or the list may not leave without one.
    """
    vendor = get_vendor(warehouse, batch.vendor, batch.channel)
    layout = layout_of(batch.kind, batch.channel)
    if vendor.encryption_key and batch.kind == "contact_list":
        return openpgp.load_certificate(openpgp.certificate_path(settings.home, vendor.encryption_key))
    if layout.must_encrypt:
        raise DeliveryError(
            f"batch {batch.batch_id}: {layout.name} lists leave encrypted only, and vendor {vendor.name} has no "
            "encryption_key in the seed `vendors`: configure its OpenPGP certificate"
        )
    return None


def _seal(
    warehouse: psycopg2.extensions.connection, batch: Batch, checked: Sequence[StoredFile], settings: Settings
) -> None:
    """Make final what was checked: encrypt it where required, and add the manifest."""
    stored = ledger.files(warehouse, batch.batch_id)
    if batch.state is not BatchState.WRITTEN or [f.sha256 for f in stored] != [f.sha256 for f in checked]:
        raise DeliveryError(f"batch {batch.batch_id} changed while it was at the gate; run the gate again")
    certificate = certificate_of(warehouse, batch, settings)
    sealed = [_encrypted(file, certificate) for file in stored] if certificate else list(stored)
    content = manifest.render(batch, sealed, settings.bank_tz)
    ledger.remove_files(warehouse, batch.batch_id)
    ledger.store_files(
        warehouse, batch.batch_id, [*sealed, StoredFile(batch.manifest_name, content, row_count=batch.row_count)]
    )
    ledger.note(warehouse, batch, "passed the gate")


def _encrypted(file: StoredFile, certificate: openpgp.Certificate) -> StoredFile:
    return replace(
        file,
        name=file.name + openpgp.SUFFIX,
        content=openpgp.encrypt(file.content, certificate),
        encryption="openpgp",
    )


def _red(results: "Sequence[RuleResult]", batch_id: str) -> GateError | None:
    try:
        require_green(results, what=f"contact list {batch_id}")
    except GateError as error:
        return error
    return None

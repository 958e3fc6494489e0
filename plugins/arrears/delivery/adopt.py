"""Take into the ledger what vendors hold and it does not know: the warehouse was restored to before that left.

What left is read back from the vendor's own directory: manifests, files, and whom each row stands for. References are
made with a key (`references`), so they lead back to customers here and nowhere else, and nobody can make up a list for
us to adopt. Of encrypted lists the names of the evidence have the references.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Protocol

import psycopg2.extensions
from pydantic import ValidationError

from arrears.delivery import ledger, references
from arrears.delivery.ledger import MANIFEST_SUFFIX, Batch, Item, StoredFile
from arrears.delivery.manifest import Manifest
from arrears.delivery.statements import statement
from arrears.delivery.vendors import get_vendor
from arrears.domain.batch_state import BatchState
from arrears.errors import DeliveryError
from arrears.settings import Settings

_NUMBERS = ("phone", "address")
"""Columns of lists that hold a contact point."""


class Server(Protocol):
    """What is needed of `arrears.hooks.vendor_sftp.VendorSftp`."""

    def list(self, path: str) -> Sequence[str]: ...
    def read(self, path: str) -> Iterator[bytes]: ...
    def posix_rename(self, old: str, new: str) -> None: ...


@dataclass(frozen=True)
class Adopted:
    """A batch that the ledger knows again."""

    batch_id: str
    rows: int
    unknown_rows: int
    """Rows of which the ledger cannot say whom they stand for: nobody of theirs is recalled, and no result is read."""


def unknown_batches(
    warehouse: psycopg2.extensions.connection, names: Sequence[str], *, vendor: str, as_of: date
) -> list[str]:
    """Batches whose manifests are among the names in a vendor's directory of a day, and that by the ledger never left.

    Reads only.
    """
    there = {name.removesuffix(MANIFEST_SUFFIX) for name in names if name.endswith(MANIFEST_SUFFIX)}
    with warehouse.cursor() as cursor:
        cursor.execute(statement("left_batches"), {"vendor": vendor, "as_of": as_of})
        return sorted(there - {batch_id for (batch_id,) in cursor.fetchall()})


def require_all_known(
    warehouse: psycopg2.extensions.connection, names: Sequence[str], *, vendor: str, as_of: date
) -> None:
    """Stop before anything is sent beside something that was sent and forgotten. Reads only.

    Raises:
        DeliveryError: names the batches.
    """
    unknown = unknown_batches(warehouse, names, vendor=vendor, as_of=as_of)
    if unknown:
        raise DeliveryError(
            f"vendor {vendor} has {', '.join(unknown)} of {as_of}, of which the ledger does not know that they left: "
            "nothing was sent. If the warehouse was restored to an earlier moment, run "
            f"`arrears deliveries --as-of {as_of} --adopt`; otherwise find out who wrote them"
        )


def adopt(
    warehouse: psycopg2.extensions.connection, sftp: Server, *, vendor: str, as_of: date, settings: Settings
) -> list[Adopted]:
    """Take a vendor's unknown batches of a day into the ledger as uploaded. Commits once a batch; again is safe.

    Batches that were planned since and never left give way. Rows whose customers were not loaded again yet are filled
    in when it runs again.

    Raises:
        DeliveryError: a manifest or a file is damaged, missing or not ours. What was adopted before it stays.
    """
    directory = get_vendor(warehouse, vendor).outbound(as_of)
    unknown = unknown_batches(warehouse, sftp.list(str(directory)), vendor=vendor, as_of=as_of)
    found = [_read(sftp, directory, batch_id, vendor=vendor, as_of=as_of) for batch_id in unknown]
    # Lists first: the other kinds speak of their rows, and a batch of those that it took the place of.
    for manifest, files in sorted(found, key=lambda each: (each[0].kind != "contact_list", each[0].batch_id)):
        with warehouse:
            _insert(warehouse, manifest, files, settings)
    adopted = []
    for batch in ledger.adopted(warehouse, vendor=vendor, as_of=as_of):
        with warehouse:
            missing = _add_items(warehouse, batch, settings)
        adopted.append(Adopted(batch.batch_id, batch.row_count, missing))
    return adopted


def put_back_read_files(warehouse: psycopg2.extensions.connection, sftp: Server, *, vendor: str) -> int:
    """Move files that were read, by a warehouse that has forgotten them, to where they are read again. How many."""
    inbound = PurePosixPath(get_vendor(warehouse, vendor).directory) / "inbound"
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select sha256 from ops.vendor_file where vendor = %s and state <> 'refused'", (vendor,))
        known = {sha256 for (sha256,) in cursor.fetchall()}
    forgotten = [
        name
        for name in sftp.list(str(inbound / "done"))
        if not name.endswith(".reason.json") and _sha256(sftp, inbound / "done" / name) not in known
    ]
    for name in forgotten:
        sftp.posix_rename(str(inbound / "done" / name), str(inbound / name))
    return len(forgotten)


# What lies there -----------------------------------------------------------------------------------------------------


def _read(
    sftp: Server, directory: PurePosixPath, batch_id: str, *, vendor: str, as_of: date
) -> tuple[Manifest, list[StoredFile]]:
    """A batch as it lies there, whole; its manifest is the last file."""
    name = batch_id + MANIFEST_SUFFIX
    content = b"".join(sftp.read(str(directory / name)))
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise DeliveryError(f"{name}: expected a manifest, found {error.error_count()} things that are none") from None
    if (manifest.batch_id, manifest.vendor, manifest.as_of) != (batch_id, vendor, as_of.isoformat()):
        raise DeliveryError(f"{name}: expected the manifest of {batch_id}, found that of {manifest.batch_id}")
    files = []
    for part in manifest.files:
        file = StoredFile(
            part.name, b"".join(sftp.read(str(directory / part.name))), part.rows, part.control_totals, part.encryption
        )
        if file.sha256 != part.sha256:
            raise DeliveryError(
                f"{part.name}: expected the bytes of {name}, found others; ask {vendor} what became of it"
            )
        files.append(file)
    return manifest, [*files, StoredFile(name, content, manifest.files[0].rows)]


def _sha256(sftp: Server, path: PurePosixPath) -> str:
    digest = hashlib.sha256()
    for piece in sftp.read(str(path)):
        digest.update(piece)
    return digest.hexdigest()


# Into the ledger -----------------------------------------------------------------------------------------------------


def _insert(
    warehouse: psycopg2.extensions.connection, manifest: Manifest, files: Sequence[StoredFile], settings: Settings
) -> None:
    left_at = datetime.fromisoformat(manifest.created_at)
    batch = Batch(
        batch_id=manifest.batch_id,
        kind=manifest.kind,
        channel=manifest.channel,
        vendor=manifest.vendor,
        generation=ledger.newest_generation(warehouse),
        as_of=date.fromisoformat(manifest.as_of),
        sequence=int(manifest.batch_id.rpartition("-")[2]),
        state=BatchState.PLANNED,
        row_count=manifest.files[0].rows,
        planned_at=left_at,
        valid_until=datetime.fromisoformat(manifest.valid_until),
        supersedes=None,
        inputs_hmac="",
        sending_since=None,
    )
    ledger.remove_unsent(warehouse, batch)
    ledger.insert_batch(warehouse, batch, left_at + timedelta(minutes=settings.ack_deadline_minutes))
    ledger.store_files(warehouse, batch.batch_id, files)
    ledger.mark_adopted(warehouse, batch.batch_id, left_at)
    for state in (BatchState.WRITTEN, BatchState.UPLOADED):
        ledger.transition(warehouse, batch_id=batch.batch_id, to=state, detail="adopted: found at the vendor")


def _add_items(warehouse: psycopg2.extensions.connection, batch: Batch, settings: Settings) -> int:
    """Add the rows that are not in the ledger yet; how many stay unknown. Does not commit."""
    known = {item.contact_ref for item in ledger.items(warehouse, batch.batch_id)}
    files = ledger.files(warehouse, batch.batch_id)
    rows = {ref: row for ref, row in _rows(batch, files).items() if ref not in known}
    if batch.kind == "contact_list":
        items = _listed(warehouse, batch, rows, references.secret_key(settings))
    else:
        items = _dropped(warehouse, rows)
    ledger.insert_items(warehouse, batch.batch_id, items)
    return 0 if batch.kind == "qa_request" else batch.row_count - len(known) - len(items)


def _rows(batch: Batch, files: Sequence[StoredFile]) -> dict[str, Mapping[str, str]]:
    """The rows of a batch by their references; of an encrypted one the references that its evidence is named after."""
    if batch.kind == "qa_request":
        return {}
    if files[0].encryption == "none":
        table = csv.DictReader(io.StringIO(files[0].content.decode(), newline=""))
        return {row["contact_ref"]: row for row in table}
    stems = [file.name.removeprefix(f"{batch.batch_id}.").partition(".")[0] for file in files[1:-1]]
    return {stem: {} for stem in stems}


def _listed(
    warehouse: psycopg2.extensions.connection, batch: Batch, rows: Mapping[str, Mapping[str, str]], key: bytes
) -> list[Item]:
    """Whom the rows of a list stand for: of all who have a loan, those whose references they are."""
    with warehouse.cursor() as cursor:
        cursor.execute("select distinct customer_id, currency from landing.loans where customer_id is not null")
        candidates = cursor.fetchall() if rows else []
    items = []
    for customer_id, currency in candidates:
        of = {"batch_id": batch.batch_id, "customer_id": customer_id, "currency": currency}
        ref = references.contact_ref(key, **of)
        if ref in rows:
            row = rows[ref]
            number = next((row[name] for name in _NUMBERS if row.get(name)), None)
            items.append(
                Item(
                    contact_ref=ref,
                    customer_id=customer_id,
                    currency=currency,
                    contact_point_id=_point(warehouse, customer_id, number),
                    contact_customer_id=customer_id,
                    pay_link_token=references.pay_link_token(key, **of) if "pay_link_token" in row else None,
                )
            )
    return items


def _point(warehouse: psycopg2.extensions.connection, customer_id: str, value: str | None) -> str | None:
    """The contact point that a list speaks of, where it is on file as it was sent."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select contact_point_id from landing.contact_points where customer_id = %s and value = %s"
            " order by _row_id desc limit 1",
            (customer_id, value),
        )
        row = cursor.fetchone()
    return str(row[0]) if row else None


def _dropped(warehouse: psycopg2.extensions.connection, rows: Mapping[str, Mapping[str, str]]) -> list[Item]:
    """Whom a stop file or recall speaks of: rows of lists that the ledger knows."""
    with warehouse.cursor() as cursor:
        cursor.execute(statement("listed_refs"), {"refs": list(rows)})
        return [
            Item(ref, customer_id, currency, contact_point_id, rows[ref]["reason"])
            for ref, customer_id, currency, contact_point_id in cursor.fetchall()
        ]

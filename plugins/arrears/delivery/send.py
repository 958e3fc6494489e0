"""Bring a written and gated batch to its vendor, exactly once, whatever dies in between."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import PurePosixPath

import psycopg2.extensions

from arrears.delivery import ledger
from arrears.delivery.ledger import Batch, StoredFile
from arrears.delivery.statements import statement
from arrears.delivery.vendors import get_vendor
from arrears.domain.batch_state import WAITING, BatchState
from arrears.errors import DeliveryError
from arrears.hooks.vendor_sftp import VendorSftp
from arrears.settings import Settings


def deliver(
    warehouse: psycopg2.extensions.connection,
    sftp: VendorSftp,
    *,
    batch_id: str,
    settings: Settings,
    now: datetime,
) -> BatchState:
    """Upload a batch: its files first, its manifest last, each read back; return the state it is then in. Commits.

    Running it again after it was killed anywhere ends with the same bytes and one manifest. A batch that the vendor has
    already, or that is superseded or refused, is left as it is. One whose `valid_until` has passed expires, unless its
    manifest got there before.

    Args:
        sftp: An open session with the batch's vendor.
        now: The instant of the delivery (of the business day, not of a clock).

    Raises:
        DeliveryError: it is not written, did not pass its gate, is being delivered by another process, or other bytes
            lie under its manifest's name.
        VendorConnectionError, VendorAccessError: see `VendorSftp`.
    """
    with _alone(warehouse, batch_id):
        batch = ledger.get_batch(warehouse, batch_id)
        files = ledger.files(warehouse, batch_id)
        warehouse.commit()
        if batch.state not in WAITING:
            return batch.state
        directory = _directory(warehouse, batch)
        if now > batch.valid_until and not _has_manifest(sftp, directory, batch, files):
            return _expire(warehouse, sftp, batch, directory, files)
        _require_gated(batch, files)
        if not _has_manifest(sftp, directory, batch, files):
            _clear_superseded(warehouse, sftp, batch, directory)
            sftp.mkdir(str(directory))
            for file in files[:-1]:
                _place(sftp, directory, file)
            _mark_sending(warehouse, batch_id, now)
            _place(sftp, directory, files[-1])
        with warehouse:
            ledger.set_acknowledge_by(warehouse, batch_id, now + timedelta(minutes=settings.ack_deadline_minutes))
            # An acknowledgement may have been read already; it stands.
            if ledger.get_batch(warehouse, batch_id, lock=True).state is BatchState.WRITTEN:
                ledger.transition(warehouse, batch_id=batch_id, to=BatchState.UPLOADED, detail=f"{len(files)} files")
            return ledger.get_batch(warehouse, batch_id).state


def _directory(warehouse: psycopg2.extensions.connection, batch: Batch) -> PurePosixPath:
    vendor = get_vendor(warehouse, batch.vendor, batch.channel)
    return vendor.outbound(batch.as_of)


def _require_gated(batch: Batch, files: Sequence[StoredFile]) -> None:
    if batch.state is not BatchState.WRITTEN:
        raise DeliveryError(f"batch {batch.batch_id} is {batch.state}: expected it written and through its gate")
    if not files or files[-1].name != batch.manifest_name:
        raise DeliveryError(f"batch {batch.batch_id} has not passed its gate: nothing was sent; run its gate first")


def _has_manifest(sftp: VendorSftp, directory: PurePosixPath, batch: Batch, files: Sequence[StoredFile]) -> bool:
    """Whether the vendor has the batch: a process may have died between the manifest and the ledger.

    Raises:
        DeliveryError: there is a manifest of that name with other bytes.
    """
    path = str(directory / batch.manifest_name)
    if not sftp.exists(path):
        return False
    if not files or sftp.sha256(path) != files[-1].sha256:
        raise DeliveryError(
            f"batch {batch.batch_id}: the vendor's directory holds another manifest of that name than the ledger; "
            "nothing was sent. Find out who wrote it before anything else"
        )
    return True


def _place(sftp: VendorSftp, directory: PurePosixPath, file: StoredFile) -> None:
    """Put a file in place under its final name, whole and read back; one that is there already is left."""
    final = str(directory / file.name)
    if sftp.size(final) == len(file.content) and sftp.sha256(final) == file.sha256:
        return
    part = final + ".part"
    sftp.put(part, file.content)
    size, sha256 = sftp.size(part), sftp.sha256(part)
    if (size, sha256) != (len(file.content), file.sha256):
        raise DeliveryError(
            f"{file.name}: expected {len(file.content)} bytes with sha256 {file.sha256} on the vendor's server, found "
            f"{size} bytes with sha256 {sha256}; it was not put in place and will be sent again"
        )
    sftp.posix_rename(part, final)


def _mark_sending(warehouse: psycopg2.extensions.connection, batch_id: str, now: datetime) -> None:
    """Commit that the manifest may be seen from here on, unless a newer plan took the batch's place meanwhile."""
    with warehouse:
        batch = ledger.get_batch(warehouse, batch_id, lock=True)
        if batch.state is not BatchState.WRITTEN:
            raise DeliveryError(
                f"batch {batch_id} became {batch.state} while it was uploaded: its manifest was not sent"
            )
        ledger.mark_sending(warehouse, batch_id, now)


def _expire(
    warehouse: psycopg2.extensions.connection,
    sftp: VendorSftp,
    batch: Batch,
    directory: PurePosixPath,
    files: Sequence[StoredFile],
) -> BatchState:
    _withdraw(sftp, directory, files)
    with warehouse:
        ledger.transition(
            warehouse,
            batch_id=batch.batch_id,
            to=BatchState.EXPIRED,
            detail=f"valid until {batch.valid_until.isoformat()}, not delivered by then",
        )
    return BatchState.EXPIRED


def _clear_superseded(
    warehouse: psycopg2.extensions.connection, sftp: VendorSftp, batch: Batch, directory: PurePosixPath
) -> None:
    """Take back what was uploaded of batches that this one's line superseded; no manifest of theirs ever was."""
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("superseded_batches"), {"batch_id": batch.batch_id})
        names = [name for (name,) in cursor.fetchall()]
        superseded = [file for name in names for file in ledger.files(warehouse, name)]
    _withdraw(sftp, directory, superseded)


def _withdraw(sftp: VendorSftp, directory: PurePosixPath, files: Sequence[StoredFile]) -> None:
    present = set(sftp.list(str(directory)))
    for file in files:
        for name in (file.name, file.name + ".part"):
            if name in present:
                sftp.remove(str(directory / name))


@contextmanager
def _alone(warehouse: psycopg2.extensions.connection, batch_id: str) -> Iterator[None]:
    """Hold the batch against a second process for as long as the session lives; a killed one lets go by itself."""
    key = ("arrears.deliver", batch_id)
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext(%s), hashtext(%s))", key)
        row = cursor.fetchone()
    if row is None or not row[0]:
        raise DeliveryError(f"batch {batch_id} is being delivered by another process; nothing was sent by this one")
    try:
        yield
    finally:
        if not warehouse.closed:
            warehouse.rollback()
            with warehouse, warehouse.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(hashtext(%s), hashtext(%s))", key)

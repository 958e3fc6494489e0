"""Bring a written and gated batch to its vendor, exactly once, whatever dies in between."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath

import psycopg2
import psycopg2.extensions

from arrears.delivery import ledger
from arrears.delivery.adopt import require_all_known
from arrears.delivery.ledger import Batch, StoredFile
from arrears.delivery.statements import statement
from arrears.delivery.vendors import Vendor, get_vendor
from arrears.domain.batch_state import WAITING, BatchState
from arrears.errors import BatchBusyError, DeliveryError
from arrears.hooks.vendor_sftp import VendorConnectionError, VendorSftp
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

    Running it again after it was killed anywhere ends with the same bytes and one manifest. A batch that was taken,
    refused or superseded is left as it is; what a server lost of one that is only uploaded is put back. One that cannot
    leave in time expires, unless its manifest got there before.

    Args:
        sftp: An open session with the batch's vendor.
        now: The instant at which the delivery begins (of the business day, not of a clock).

    Raises:
        BatchBusyError: another process delivers it.
        DeliveryError: it is not written, did not pass its gate, was superseded meanwhile, or other bytes lie under its
            manifest's name.
        VendorConnectionError, VendorAccessError: see `VendorSftp`; what the vendor's server damaged or lost, too.
    """
    elapsed = _stopwatch()
    with _alone(warehouse, batch_id):
        batch = ledger.get_batch(warehouse, batch_id)
        vendor = get_vendor(warehouse, batch.vendor, batch.channel)
        consignment = _Consignment(sftp, batch, vendor, ledger.files(warehouse, batch_id))
        warehouse.commit()
        if batch.state in WAITING:
            _send(warehouse, consignment, settings, now, elapsed)
        elif batch.state is BatchState.UPLOADED and now <= batch.valid_until:
            _put_back(warehouse, consignment)
        elif batch.state in (BatchState.EXPIRED, BatchState.SUPERSEDED):
            consignment.withdraw()
        with warehouse:
            return ledger.get_batch(warehouse, batch_id).state


def withdraw_expired(warehouse: psycopg2.extensions.connection, sftp: VendorSftp, *, vendor: str, as_of: date) -> None:
    """Take back what lies there of lists that expired within a week, while the vendor was not reached."""
    for batch in ledger.expired(warehouse, vendor=vendor, since=as_of - timedelta(days=7)):
        files = ledger.files(warehouse, batch.batch_id)
        _Consignment(sftp, batch, get_vendor(warehouse, vendor, batch.channel), files).withdraw()


@dataclass(frozen=True)
class _Consignment:
    """A batch's files on their way to their place on the vendor's server."""

    sftp: VendorSftp
    batch: Batch
    vendor: Vendor
    files: Sequence[StoredFile]
    """In the order in which they are sent: the manifest is last."""

    @property
    def directory(self) -> PurePosixPath:
        return self.vendor.outbound(self.batch.as_of)

    def require_gated(self) -> None:
        """Nothing leaves that its gate did not store a manifest for."""
        batch = self.batch
        if batch.state is not BatchState.WRITTEN:
            raise DeliveryError(f"batch {batch.batch_id} is {batch.state}: expected it written and through its gate")
        if not self.files or self.files[-1].name != batch.manifest_name:
            raise DeliveryError(f"batch {batch.batch_id} has not passed its gate: nothing was sent; run its gate first")

    def require_all_known(self, warehouse: psycopg2.extensions.connection) -> None:
        """Nothing leaves beside what left and was forgotten (`adopt`); a stop file is to know the lists of a week."""
        for days in range(_DAYS_OF_A_STOP if self.batch.kind == "stop" else 1):
            as_of = self.batch.as_of - timedelta(days=days)
            names = list(self.sftp.sizes(str(self.vendor.outbound(as_of))))
            require_all_known(warehouse, names, vendor=self.vendor.name, as_of=as_of)
        warehouse.rollback()

    def has_manifest(self) -> bool:
        """Whether the vendor has the batch: a process may have died between the manifest and the ledger.

        Raises:
            DeliveryError: there is a manifest of that name with other bytes.
        """
        path = str(self.directory / self.batch.manifest_name)
        if not self.sftp.exists(path):
            return False
        if not self.files or self.sftp.sha256(path) != self.files[-1].sha256:
            raise DeliveryError(
                f"batch {self.batch.batch_id}: the vendor's directory holds another manifest of that name than the "
                "ledger; nothing was sent. If the warehouse was restored to an earlier moment, run "
                f"`arrears deliveries --as-of {self.batch.as_of} --adopt`; otherwise find out who wrote it"
            )
        return True

    def place_files(self) -> None:
        """Put all but the manifest in place, and see that they are still there when all are."""
        self.sftp.mkdir(str(self.directory))
        for file in self.files[:-1]:
            self._place(file)
        self._require_there(self.files[:-1])

    def place_manifest(self) -> None:
        """From here on the vendor has the batch."""
        self._place(self.files[-1])
        self._require_there(self.files)

    def put_back(self) -> list[str]:
        """Send again what is not there any more, or not as it was; return the names."""
        before = self.sftp.sizes(str(self.directory))
        lost = [file for file in self.files if before.get(file.name) != len(file.content)]
        if lost:
            self.place_files()
            self.place_manifest()
        return [file.name for file in lost]

    def clear(self, superseded: Sequence[StoredFile] = ()) -> None:
        """Take back what was uploaded of batches that this one's line superseded, and what broke off of this one.

        No manifest of theirs ever was there.
        """
        names = {file.name for file in superseded}
        ours = names | {file.name for file in self.files}
        for name in self.sftp.sizes(str(self.directory)):
            if name in names or _whole_name(name) in ours:
                self.sftp.remove(str(self.directory / name))

    def withdraw(self) -> None:
        """Take back all that is there of the batch."""
        self.clear(superseded=self.files)

    def _place(self, file: StoredFile) -> None:
        """Put a file in place under its final name, whole and read back; one that is there already is left."""
        final = str(self.directory / file.name)
        if self.sftp.size(final) == len(file.content) and self.sftp.sha256(final) == file.sha256:
            return
        # A name of this process alone: another that the ledger's lock did not hold off cannot write into it.
        part = f"{final}.{secrets.token_hex(4)}{_PART}"
        self.sftp.put(part, file.content)
        size = self.sftp.size(part)
        sha256 = self.sftp.sha256(part) if size is not None else None
        if (size, sha256) != (len(file.content), file.sha256):
            raise VendorConnectionError(
                f"{file.name}: expected {len(file.content)} bytes with sha256 {file.sha256} on the vendor's server, "
                f"found {size} bytes with sha256 {sha256}; it was not put in place and will be sent again"
            )
        self.sftp.posix_rename(part, final)

    def _require_there(self, files: Sequence[StoredFile]) -> None:
        sizes = self.sftp.sizes(str(self.directory))
        lost = [file.name for file in files if sizes.get(file.name) != len(file.content)]
        if lost:
            raise VendorConnectionError(
                f"vendor {self.vendor.name}: its server took {', '.join(lost)} and does not have it whole any more; "
                "it will be sent again"
            )


_DAYS_OF_A_STOP = 8
"""Of so many days, its own among them, the ledger has to know all lists before a stop file can say what to drop."""

_PART = ".part"


def _whole_name(name: str) -> str | None:
    """Which file a name of `_place` is a part of: `list.csv.1a2b3c4d.part` is of `list.csv`."""
    return name.removesuffix(_PART).rpartition(".")[0] if name.endswith(_PART) else None


def _superseded_files(warehouse: psycopg2.extensions.connection, batch_id: str) -> list[StoredFile]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(statement("superseded_batches"), {"batch_id": batch_id})
        names = [name for (name,) in cursor.fetchall()]
        return [file for name in names for file in ledger.files(warehouse, name)]


def _stopwatch() -> Callable[[], timedelta]:
    """How long it has been since now; a clock that is put back changes nothing."""
    began = time.monotonic()
    return lambda: timedelta(seconds=time.monotonic() - began)


def _send(
    warehouse: psycopg2.extensions.connection,
    consignment: _Consignment,
    settings: Settings,
    now: datetime,
    elapsed: Callable[[], timedelta],
) -> None:
    leaves_by = consignment.vendor.leaves_by(consignment.batch, settings.bank_tz)
    if consignment.has_manifest():
        consignment.put_back()
    elif now > leaves_by:
        return _expire(warehouse, consignment, leaves_by)
    else:
        consignment.require_gated()
        consignment.require_all_known(warehouse)
        consignment.clear(superseded=_superseded_files(warehouse, consignment.batch.batch_id))
        consignment.place_files()
        # A slow server can take until after the end.
        if not _mark_sending(warehouse, consignment, now + elapsed(), leaves_by):
            return _expire(warehouse, consignment, leaves_by)
        consignment.place_manifest()
    return _note_upload(warehouse, consignment, now + timedelta(minutes=settings.ack_deadline_minutes))


def _mark_sending(
    warehouse: psycopg2.extensions.connection, consignment: _Consignment, at: datetime, leaves_by: datetime
) -> bool:
    """Commit that the manifest may be seen from here on; False when it is too late for it.

    Raises:
        DeliveryError: a newer plan took the batch's place while it was uploaded.
    """
    batch_id = consignment.batch.batch_id
    with warehouse:
        state = ledger.get_batch(warehouse, batch_id, lock=True).state
        if at > leaves_by or state is BatchState.EXPIRED:
            return False
        if state is BatchState.WRITTEN:
            ledger.mark_sending(warehouse, batch_id, at)
            return True
    consignment.withdraw()
    raise DeliveryError(f"batch {batch_id} became {state} while it was uploaded: its manifest was not sent")


def _expire(warehouse: psycopg2.extensions.connection, consignment: _Consignment, leaves_by: datetime) -> None:
    consignment.withdraw()
    with warehouse:
        ledger.expire(warehouse, consignment.batch.batch_id, leaves_by)


def _note_upload(
    warehouse: psycopg2.extensions.connection, consignment: _Consignment, acknowledge_by: datetime
) -> None:
    batch_id = consignment.batch.batch_id
    with warehouse:
        ledger.set_acknowledge_by(warehouse, batch_id, acknowledge_by)
        # An acknowledgement may have been read already; it stands.
        if ledger.get_batch(warehouse, batch_id, lock=True).state is BatchState.WRITTEN:
            detail = f"{len(consignment.files)} files"
            ledger.transition(warehouse, batch_id=batch_id, to=BatchState.UPLOADED, detail=detail)


def _put_back(warehouse: psycopg2.extensions.connection, consignment: _Consignment) -> None:
    lost = consignment.put_back()
    if lost:
        with warehouse:
            ledger.note(warehouse, consignment.batch, f"put back what the server had lost: {', '.join(lost)}")


@contextmanager
def _alone(warehouse: psycopg2.extensions.connection, batch_id: str) -> Iterator[None]:
    """Hold the batch against a second process for as long as the session lives; a killed one lets go by itself."""
    key = ("arrears.deliver", batch_id)
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext(%s), hashtext(%s))", key)
        row = cursor.fetchone()
    if row is None or not row[0]:
        raise BatchBusyError(f"batch {batch_id} is being delivered by another process; nothing was sent by this one")
    try:
        yield
    finally:
        # A session that broke let go by itself, and what broke it is being told already.
        with suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
            warehouse.rollback()
            with warehouse, warehouse.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(hashtext(%s), hashtext(%s))", key)

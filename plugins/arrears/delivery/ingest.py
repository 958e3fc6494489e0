"""Reading what vendors send: acknowledgements, results and reviews, from `inbound/` into the warehouse.

Each file is moved to `reading/`, where its vendor puts no other in its place. It is one transaction: what it says, what
was set aside, what the batch became and that it was read are committed together, and only then it is moved on, to
`done/` or `refused/`. A process that dies in between finds the file again, sees by its hash that it was loaded, and
only moves it. A file that cannot be read, judged or moved keeps no other waiting: it stays where it is, the others are
read, and the report says why.
"""

import hashlib
import logging
import secrets
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Protocol, cast

from arrears.delivery import ledger
from arrears.delivery.inbound import (
    LARGEST_ACK,
    FileRefused,
    ReasonFile,
    SetAside,
    batch_in_name,
    count_lines,
    is_plain_name,
)
from arrears.delivery.inbound_load import (
    Connection,
    Cursor,
    Desk,
    FileKind,
    FileOutcome,
    InboundFile,
    State,
    kind_of,
    load,
    read_dispositions,
    read_foreign_collectors,
    read_nonpayment_reasons,
)
from arrears.delivery.statements import statement
from arrears.delivery.vendors import get_vendor
from arrears.domain.vendor_results import Reason
from arrears.errors import ArrearsError, DeliveryError, ServiceError
from arrears.settings import Settings

__all__ = ["FileOutcome", "Inbox", "IngestReport", "is_all_shown", "newest_rows", "note_shown", "read_inbound"]

_log = logging.getLogger(__name__)

_READING = "reading"
"""Where in `inbound/` a file lies from when it is read until it is settled."""
_REASON_SUFFIX = ".reason.json"
_ROWS_IN_REASON = 1000


class Inbox(Protocol):
    """What is needed of `arrears.hooks.vendor_sftp.VendorSftp`."""

    def list(self, path: str) -> Sequence[str]: ...
    def size(self, path: str) -> int | None: ...
    def read(self, path: str) -> Iterator[bytes]: ...
    def put(self, path: str, content: bytes) -> None: ...
    def posix_rename(self, old: str, new: str) -> None: ...
    def mkdir(self, path: str) -> None: ...


@dataclass(frozen=True)
class IngestReport:
    """What one pass over a vendor's `inbound/` found."""

    vendor: str
    files: tuple[FileOutcome, ...] = ()
    errors: tuple[ArrearsError, ...] = ()
    """Why files stay in `inbound/`: none of it is the fault of what they say."""

    @property
    def loaded_rows(self) -> int:
        """Rows of results and reviews that were neither set aside nor known already."""
        return sum(
            file.rows - file.rejected - file.repeated
            for file in self.files
            if file.state == "loaded" and file.kind != "ack"
        )

    @property
    def rejected_rows(self) -> int:
        return sum(file.rejected for file in self.files if file.state == "loaded")

    def count(self, state: State) -> int:
        """Files of that state."""
        return sum(file.state == state for file in self.files)

    def __str__(self) -> str:
        return (
            f"{self.vendor}: {self.count('loaded')} files loaded, {self.count('refused')} refused, "
            f"{self.count('seen_before')} seen before; {self.loaded_rows} rows landed, {self.rejected_rows} set aside"
        )


def read_inbound(
    warehouse: Connection,
    sftp: Inbox,
    *,
    vendor: str,
    settings: Settings,
    docs_dir: Path | None = None,
    now: datetime | None = None,
    acks_only: bool = False,
) -> IngestReport:
    """Read every complete file in the vendor's `inbound/`. Commits once a file; safe to run again and at the same time.

    Args:
        acks_only: Leave all but acknowledgements where they are: whoever reads results has to build their marts again.
        docs_dir: Where the gate's pages go; None renders none.
        now: Attempts after this instant are set aside as being in the future. Default: the clock.

    Raises:
        ConfigurationError: the vendor or the dispositions are not in the warehouse.
        VendorConnectionError, VendorAccessError: the vendor's server is gone; what was committed stays, the rest is
            read later.
    """
    with warehouse:
        desk = Desk(
            warehouse=warehouse,
            vendor=get_vendor(warehouse, vendor),
            settings=settings,
            docs_dir=docs_dir,
            now=now or datetime.now(UTC),
            dispositions=read_dispositions(warehouse),
            nonpayment_reasons=read_nonpayment_reasons(warehouse),
            foreign_collectors=read_foreign_collectors(warehouse, vendor),
        )
    inbound = PurePosixPath(desk.vendor.directory) / "inbound"
    for directory in (_READING, "done", "refused"):
        sftp.mkdir(str(inbound / directory))
    outcomes, errors = _take_each(desk, sftp, inbound, acks_only)
    report = IngestReport(vendor, tuple(outcomes), tuple(errors))
    _log.info("%s", report)
    if errors:
        _log.error("ALERT %s: %s files stay in inbound/, the first because: %s", vendor, len(errors), errors[0])
    if not acks_only:
        _tell_overdue(desk)
    return report


def _tell_overdue(desk: Desk) -> None:
    """Say once of each batch that its vendor did not acknowledge it in time; its history keeps it."""
    allowed = desk.settings.ack_deadline_minutes
    detail = f"no acknowledgement within {allowed} minutes"
    parameters = {
        "vendor": desk.vendor.name,
        "acknowledges_stop": desk.vendor.acknowledges_stop,
        "due": desk.now - timedelta(minutes=allowed),
        "detail": detail,
    }
    with desk.warehouse, desk.warehouse.cursor() as cursor:
        cursor.execute(statement("overdue"), parameters)
        for (batch_id,) in cursor.fetchall():
            ledger.note(desk.warehouse, ledger.get_batch(desk.warehouse, batch_id), detail)
            _log.warning("ALERT %s: %s", batch_id, detail)


def newest_rows(warehouse: Connection) -> tuple[int, int]:
    """The newest result and the newest review in landing. Reads only; does not commit."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select"
            " (select coalesce(max(_row_id), 0) from landing.vendor_result),"
            " (select coalesce(max(_row_id), 0) from landing.vendor_qa)"
        )
        results, reviews = cast(tuple[int, int], cursor.fetchone())
    return results, reviews


def note_shown(warehouse: Connection, build_id: int, newest: tuple[int, int]) -> None:
    """Note up to which result and review the marts of a build show what vendors report. Does not commit."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            "update ops.mart_build set results_until = %s, reviews_until = %s where build_id = %s", (*newest, build_id)
        )


def is_all_shown(warehouse: Connection) -> bool:
    """Whether the marts show every result and review, whoever landed it and died before they were built again.

    Reads only; does not commit.
    """
    with warehouse.cursor() as cursor:
        cursor.execute("select coalesce(max(results_until), 0), coalesce(max(reviews_until), 0) from ops.mart_build")
        shown = cursor.fetchone()
    return shown == newest_rows(warehouse)


def _waiting(sftp: Inbox, inbound: PurePosixPath) -> list[PurePosixPath]:
    """What is to be read: first what an earlier pass began with, then what came since."""
    begun = [inbound / _READING / name for name in sftp.list(str(inbound / _READING))]
    new = [inbound / name for name in sftp.list(str(inbound)) if not name.endswith(".part")]
    return sorted(begun, key=_given_name) + sorted(new)


def _take_each(
    desk: Desk, sftp: Inbox, inbound: PurePosixPath, acks_only: bool
) -> tuple[list[FileOutcome], list[ArrearsError]]:
    """Every file on its own, unless the vendor's server is gone."""
    outcomes: list[FileOutcome] = []
    errors: list[ArrearsError] = []
    for found in _waiting(sftp, inbound):
        path = found
        try:
            _require_inside(desk, inbound, path)
            if acks_only and not _is_ack(desk, sftp, path):
                continue
            path = _set_apart(sftp, inbound, path)
            outcome = _take(desk, sftp, inbound, path, acks_only)
            if outcome is not None:
                outcomes.append(outcome)
        except Exception as error:
            desk.warehouse.rollback()
            if isinstance(error, ServiceError) and not _answers(sftp, inbound):
                raise
            # Another process that reads at the same time may have judged and moved it.
            if not isinstance(error, ServiceError) or sftp.size(str(path)) is not None:
                errors.append(_told(error, desk))
    return outcomes, errors


def _require_inside(desk: Desk, inbound: PurePosixPath, path: PurePosixPath) -> None:
    if path.parent not in (inbound, inbound / _READING) or path.name == "..":
        raise DeliveryError(
            f"vendor {desk.vendor.name}: its server lists a file whose name is a path out of inbound/; it is not read"
        )


def _set_apart(sftp: Inbox, inbound: PurePosixPath, path: PurePosixPath) -> PurePosixPath:
    """Move a file to where its vendor puts no other in its place: what is judged is then what is moved on.

    It keeps the name that it came with, behind a number of its own; a name that is to be refused is left out.
    """
    if path.parent != inbound:
        return path
    apart = inbound / _READING / f"{secrets.token_hex(4)}-{path.name if is_plain_name(path.name) else '-'}"
    sftp.posix_rename(str(path), str(apart))
    return apart


def _given_name(apart: PurePosixPath) -> str:
    return apart.name.partition("-")[2]


def _told(error: Exception, desk: Desk) -> ArrearsError:
    """An error of ours as it is; of any other its kind and place, for its text may hold a value of the file."""
    if isinstance(error, ArrearsError):
        return error
    place = traceback.extract_tb(error.__traceback__)[-1]
    return DeliveryError(
        f"vendor {desk.vendor.name}: a file could not be judged and stays in inbound/: {type(error).__name__} in"
        f" {place.name}, line {place.lineno} of {Path(place.filename).name}"
    )


def _answers(sftp: Inbox, inbound: PurePosixPath) -> bool:
    try:
        sftp.list(str(inbound))
    except ServiceError:
        return False
    return True


def _is_ack(desk: Desk, sftp: Inbox, path: PurePosixPath) -> bool:
    """What is longer is none: results may be long, and whoever waits for one looks again and again."""
    size = sftp.size(str(path))
    limit = min(desk.settings.vendor_file_max_bytes, LARGEST_ACK)
    content = _read_at_most(sftp, path, limit) if size is not None and size <= limit else None
    return content is not None and kind_of(content) == "ack"


def _take(desk: Desk, sftp: Inbox, inbound: PurePosixPath, path: PurePosixPath, acks_only: bool) -> FileOutcome | None:
    """Read, judge, commit, then move one file; None when another process was faster, or it is left to another."""
    size = sftp.size(str(path))
    if size is None:
        return None
    limit = desk.settings.vendor_file_max_bytes
    content = _read_at_most(sftp, path, limit) if size <= limit else None
    if acks_only and (content is None or kind_of(content) != "ack"):
        return None
    if content is None:
        file = InboundFile(_given_name(path), f"unread-{size}-bytes", b"")
        outcome = _refuse(desk, file, [f"the file has {size} bytes, at most {limit} are read: send it in parts"])
    else:
        file = InboundFile(_given_name(path), hashlib.sha256(content).hexdigest(), content)
        outcome = _judge(desk, file)
    _settle(desk, sftp, inbound, path, file, outcome)
    figures = (desk.vendor.name, file.label, outcome.state, outcome.rows, outcome.rejected)
    _log.info("%s: %s %s, %s rows, %s set aside", *figures)
    return outcome


def _read_at_most(sftp: Inbox, path: PurePosixPath, limit: int) -> bytes | None:
    """The content; None when there is more of it than the directory said."""
    pieces, total = [], 0
    for piece in sftp.read(str(path)):
        total += len(piece)
        if total > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _judge(desk: Desk, file: InboundFile) -> FileOutcome:
    try:
        with desk.warehouse, desk.warehouse.cursor() as cursor:
            # Two passes at once would both find the file unread.
            cursor.execute(
                "select pg_advisory_xact_lock(hashtext('arrears.ingest'), hashtext(%s))", (desk.vendor.name,)
            )
            known = _loaded_before(desk, cursor, file)
            outcome = FileOutcome(file.label, known, "seen_before") if known else load(desk, cursor, file)
            _note_file(desk, cursor, file, outcome)
        return outcome
    except FileRefused as refusal:
        return _refuse(desk, file, refusal.problems)


def _refuse(desk: Desk, file: InboundFile, problems: Sequence[str]) -> FileOutcome:
    with desk.warehouse, desk.warehouse.cursor() as cursor:
        batch_id = _batch_in_name(desk, cursor, file)
        rows = count_lines(file.content) if batch_id else 0
        outcome = FileOutcome(file.label, kind_of(file.content), "refused", batch_id, rows, problems=tuple(problems))
        _note_file(desk, cursor, file, outcome)
    _log.warning("%s: %s refused, %s problems", desk.vendor.name, file.label, len(problems))
    return outcome


def _batch_in_name(desk: Desk, cursor: Cursor, file: InboundFile) -> str | None:
    """The batch whose results a refused file was to be, by its name: what it says cannot be believed."""
    cursor.execute(
        "select batch_id from ops.delivery_batch where batch_id = %s and vendor = %s",
        (batch_in_name(file.label), desk.vendor.name),
    )
    row = cursor.fetchone()
    return str(row[0]) if row else None


def _loaded_before(desk: Desk, cursor: Cursor, file: InboundFile) -> FileKind | None:
    """The kind of a file that was loaded with the same bytes, under whatever name."""
    cursor.execute(
        "select kind from ops.vendor_file where vendor = %s and sha256 = %s and state = 'loaded'",
        (desk.vendor.name, file.sha256),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def _note_file(desk: Desk, cursor: Cursor, file: InboundFile, outcome: FileOutcome) -> None:
    cursor.execute(
        statement("inbound_file"),
        {
            "sha256": file.sha256,
            "vendor": desk.vendor.name,
            "file_name": file.label,
            "kind": outcome.kind,
            "batch_id": outcome.batch_id,
            "state": outcome.state,
            "rows": outcome.rows,
            "rejected": outcome.rejected,
            "repeated": outcome.repeated,
            "reason": "\n".join(outcome.problems) or None,
            "read_at": desk.now,
        },
    )


def _settle(
    desk: Desk, sftp: Inbox, inbound: PurePosixPath, path: PurePosixPath, file: InboundFile, outcome: FileOutcome
) -> None:
    """Tell the vendor what was wrong, then move the file: its place is the last thing that changes."""
    directory = inbound / ("refused" if outcome.state == "refused" else "done")
    is_taken = sftp.size(str(directory / file.label)) is not None
    name = f"{file.sha256[:12]}-{file.label}" if is_taken else file.label
    reason = _reason(desk, file, outcome)
    if reason is not None:
        part = directory / f"{name}{_REASON_SUFFIX}.part"
        sftp.put(str(part), (reason.model_dump_json(indent=2, exclude_none=True) + "\n").encode())
        sftp.posix_rename(str(part), str(directory / f"{name}{_REASON_SUFFIX}"))
    sftp.posix_rename(str(path), str(directory / name))


def _reason(desk: Desk, file: InboundFile, outcome: FileOutcome) -> ReasonFile | None:
    """What the vendor is told; None when there is nothing to tell."""
    if outcome.state == "refused":
        return ReasonFile(
            file=file.label,
            sha256=file.sha256,
            state="refused",
            problems=list(outcome.problems),
            what_to_do="Nothing of this file was loaded. Correct it and send it again, under any name.",
        )
    rows = _set_aside(desk, file)
    if not rows:
        return None
    return ReasonFile(
        file=file.label,
        sha256=file.sha256,
        state=outcome.state,
        rows_set_aside=rows,
        what_to_do="The other rows were loaded. Send these again, corrected, in a new file.",
    )


def _set_aside(desk: Desk, file: InboundFile) -> list[SetAside]:
    with desk.warehouse, desk.warehouse.cursor() as cursor:
        cursor.execute(
            "select line_number, field_name, reason_code from quarantine.vendor_result"
            " where vendor = %s and file_sha256 = %s order by line_number, field_name, reason_code limit %s",
            (desk.vendor.name, file.sha256, _ROWS_IN_REASON),
        )
        return [
            SetAside(line=line, field=name, code=code, problem=Reason[code].value)
            for line, name, code in cursor.fetchall()
        ]

"""Which recordings a vendor is asked to review: the rows of `marts.qa_request`, delivered as any other file is.

They say nothing of customers, so nothing of them is in `ops.delivery_item`; the gate holds the file against the rows of
the mart, read again.
"""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import psycopg2.extensions

from arrears.delivery import csv_file, ledger, lists, manifest, references
from arrears.delivery.layouts import QA_REQUEST
from arrears.delivery.ledger import Batch, StoredFile
from arrears.delivery.send import deliver
from arrears.delivery.statements import statement
from arrears.delivery.vendors import ALL_CHANNELS, get_vendor
from arrears.domain.batch_state import BatchState
from arrears.errors import GateError
from arrears.hooks.vendor_sftp import VendorSftp
from arrears.quality.suites import check_frame, record, require_green
from arrears.settings import Settings

REVIEWED_WITHIN = timedelta(days=14)
"""How long a request stands."""
REPORTED_WITHIN = timedelta(days=30)
"""A vendor that reported no recording for so long is asked for none."""

Row = tuple[str, str, str]


def send_request(
    warehouse: psycopg2.extensions.connection,
    sftp: VendorSftp,
    *,
    vendor: str,
    as_of: date,
    settings: Settings,
    now: datetime,
) -> BatchState | None:
    """Plan, write, check and deliver a vendor's request of the day. Commits; running again is safe.

    A vendor that has reported recordings gets one every day, with 0 rows too; any other gets none (None).

    Args:
        sftp: An open session with the vendor.

    Raises:
        GateError: a rule is red, or the day's requests are others than those that were planned. Nothing was sent.
        As `deliver`.
    """
    batch = plan_request(warehouse, vendor=vendor, as_of=as_of, settings=settings, now=now)
    if batch is None:
        return None
    write_request(warehouse, batch_id=batch.batch_id, settings=settings)
    return deliver(warehouse, sftp, batch_id=batch.batch_id, settings=settings, now=now)


def plan_request(
    warehouse: psycopg2.extensions.connection, *, vendor: str, as_of: date, settings: Settings, now: datetime
) -> Batch | None:
    """The day's request; planned again it is the same, unless the day's marts ask for other recordings. Commits."""
    key = references.secret_key(settings)
    with warehouse:
        ledger.lock_planning(warehouse, as_of)
        rows = _rows(warehouse, vendor, as_of)
        if not rows and not _reports_recordings(warehouse, vendor, now - REPORTED_WITHIN):
            return None
        draft = lists.Draft(
            kind="qa_request",
            channel=ALL_CHANNELS,
            vendor=vendor,
            generation=ledger.newest_generation(warehouse),
            as_of=as_of,
            valid_until=get_vendor(warehouse, vendor).cut_off_at(as_of + REVIEWED_WITHIN, settings.bank_tz),
            inputs_hmac=references.fingerprint(key, rows),
            row_count=len(rows),
        )
        batch, _ = lists.plan_one(warehouse, draft, now=now, settings=settings)
    return batch


def write_request(
    warehouse: psycopg2.extensions.connection,
    *,
    batch_id: str,
    settings: Settings,
    docs_dir: Path | None = None,
) -> None:
    """Make the file, hold it against the mart, and add the manifest. Commits; a batch further on stays as it is.

    Raises:
        GateError: a rule is red. The results are kept, the file is not.
    """
    with warehouse:
        batch = ledger.get_batch(warehouse, batch_id, lock=True)
        if batch.state is not BatchState.PLANNED:
            return
        rows = _rows(warehouse, batch.vendor, batch.as_of)
        named = [dict(zip(QA_REQUEST.columns, row, strict=True)) for row in rows]
        content = csv_file.render(QA_REQUEST, named, ["XXX"] * len(rows), settings.bank_tz)
        red = _red(warehouse, batch, content, docs_dir)
        if red is None:
            file = StoredFile(f"{batch_id}.csv", content, len(rows))
            sealed = StoredFile(batch.manifest_name, manifest.render(batch, [file], settings.bank_tz), len(rows))
            ledger.store_files(warehouse, batch_id, [file, sealed])
            ledger.transition(warehouse, batch_id=batch_id, to=BatchState.WRITTEN, detail="passed the gate")
        else:
            ledger.note(warehouse, batch, "stopped at the gate")
    if red is not None:
        raise red


def _red(
    warehouse: psycopg2.extensions.connection, batch: Batch, content: bytes, docs_dir: Path | None
) -> GateError | None:
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    frame = pd.DataFrame(rows, columns=header, dtype=object)
    results = check_frame(suite="contact_list.qa_request", frame=frame, reference=batch.batch_id, docs_dir=docs_dir)
    record(
        warehouse,
        border="contact_list",
        subject=QA_REQUEST.name,
        reference=batch.batch_id,
        as_of=batch.as_of,
        results=results,
    )
    try:
        require_green(results, what=f"review request {batch.batch_id}")
    except GateError as error:
        return error
    if [tuple(row) for row in rows] != _rows(warehouse, batch.vendor, batch.as_of) or len(rows) != batch.row_count:
        return GateError(
            f"review request {batch.batch_id} is stopped at the gate: expected the {batch.row_count} recordings that"
            f" were planned, found {len(rows)} or others; plan the day again"
        )
    return None


def _rows(warehouse: psycopg2.extensions.connection, vendor: str, as_of: date) -> Sequence[Row]:
    with warehouse.cursor() as cursor:
        cursor.execute(statement("qa_request_rows"), {"vendor": vendor, "as_of": as_of})
        return cursor.fetchall()


def _reports_recordings(warehouse: psycopg2.extensions.connection, vendor: str, since: datetime) -> bool:
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select exists (select from landing.vendor_result"
            " where _vendor = %s and recording_ref is not null and _loaded_at > %s)",
            (vendor, since),
        )
        row = cursor.fetchone()
    return bool(row and row[0])

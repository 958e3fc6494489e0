"""What a vendor's file says, into the warehouse: landing, quarantine, quality results and the ledger.

Nothing here commits, moves a file or logs a value: the caller makes one transaction of each file.
"""

import csv
import io
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Literal, cast

import pandas as pd
import psycopg2.extensions
from psycopg2.extras import Json, execute_values

from arrears.delivery import ledger
from arrears.delivery.inbound import (
    Ack,
    FileRefused,
    Table,
    Verdict,
    batch_in_name,
    is_plain_name,
    judged,
    read,
    require_plain_name,
)
from arrears.delivery.statements import statement
from arrears.delivery.vendors import Vendor
from arrears.domain.batch_state import GIVEN_UP, BatchState, may_follow
from arrears.domain.vendor_results import (
    QA_FIELDS,
    RESULT_FIELDS,
    Disposition,
    Problem,
    Reason,
    Row,
    Terms,
    earliest_attempt,
    is_breach,
)
from arrears.errors import ConfigurationError
from arrears.quality.suites import RuleResult, Severity, check_frame, record
from arrears.settings import Settings

_log = logging.getLogger(__name__)

State = Literal["loaded", "refused", "seen_before"]
FileKind = Literal["ack", "results", "qa", "unknown"]
Connection = psycopg2.extensions.connection
Cursor = psycopg2.extensions.cursor
Window = tuple[datetime | None, datetime | None]

CHUNK_ROWS = 5_000
"""Rows that are judged before they are copied to the warehouse."""

_RESULT_COLUMNS = tuple(column.name for column in RESULT_FIELDS)
_QA_COLUMNS = tuple(column.name for column in QA_FIELDS)


@dataclass(frozen=True)
class InboundFile:
    """A file as found in `inbound/`."""

    name: str
    sha256: str
    content: bytes

    @property
    def label(self) -> str:
        """The name as it may be logged and kept."""
        return self.name if is_plain_name(self.name) else f"unnamed-{self.sha256[:12]}"


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file. Its name is replaced where the vendor chose one that may say anything."""

    file_name: str
    kind: FileKind
    state: State
    batch_id: str | None = None
    rows: int = 0
    rejected: int = 0
    repeated: int = 0
    """Rows that report again, to the letter, what was reported before."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desk:
    """What files of one vendor are judged with."""

    warehouse: Connection
    vendor: Vendor
    settings: Settings
    docs_dir: Path | None
    now: datetime
    dispositions: Mapping[str, Disposition]
    nonpayment_reasons: frozenset[str]
    foreign_collectors: frozenset[str]

    def terms(self, batch: ledger.Batch | None = None) -> Terms:
        """What rows are judged by: those that answer a batch, or reviews, which answer none."""
        sent_at = (batch.sending_since or batch.planned_at) if batch else None
        return Terms(
            channel=batch.channel if batch else "",
            earliest=earliest_attempt(batch.as_of, sent_at, self.settings.bank_tz) if batch and sent_at else _EVER,
            latest=self.now,
            dispositions=self.dispositions,
            nonpayment_reasons=self.nonpayment_reasons,
            foreign_collectors=self.foreign_collectors,
        )


_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class _Rows:
    """The rows of a table as they are judged: verdicts for the gate, and what is set aside."""

    lines: list[int] = field(default_factory=list)
    form_problem: list[str | None] = field(default_factory=list)
    batch_problem: list[str | None] = field(default_factory=list)
    is_of_batch: list[bool] = field(default_factory=list)
    is_known_disposition: list[bool] = field(default_factory=list)
    is_in_window: list[bool] = field(default_factory=list)
    is_before_recall: list[bool] = field(default_factory=list)
    rejected: list[tuple[int, Problem, str]] = field(default_factory=list)
    """Line, problem, and the row as text."""

    def add(self, verdict: Verdict) -> None:
        line, problems = verdict.raw.line, verdict.problems
        self.lines.append(line)
        self.form_problem.append(verdict.form[0].code if verdict.form else None)
        self.batch_problem.append(verdict.answer[0].code if verdict.answer else None)
        self.is_of_batch.append(verdict.is_of_list)
        self.is_known_disposition.append(all(one.reason is not Reason.UNKNOWN_DISPOSITION for one in verdict.answer))
        if problems:
            text = verdict.raw.text
            self.rejected += [(line, problem, text) for problem in problems]

    def count_set_aside(self) -> int:
        return len({line for line, _, _ in self.rejected})


def load(this: Desk, cursor: Cursor, file: InboundFile) -> FileOutcome:
    """Load a file that was not loaded before.

    Raises:
        FileRefused: it is refused whole; roll back, nothing of it may stay.
        GateBrokenError: the gate could not be run as written.
    """
    require_plain_name(file.name)
    document = read(file.content)
    if isinstance(document, Ack):
        return _load_ack(this, cursor, file, document)
    if document.kind == "results":
        return _load_results(this, cursor, file, document)
    return _load_qa(this, cursor, file, document)


def kind_of(content: bytes) -> FileKind:
    """What a file is, also when it is to be refused."""
    try:
        document = read(content)
    except FileRefused:
        return "unknown"
    return "ack" if isinstance(document, Ack) else document.kind


def read_dispositions(warehouse: Connection) -> dict[str, Disposition]:
    """The seed `dispositions`.

    Raises:
        ConfigurationError: it is empty.
    """
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select channels, disposition, is_contact, is_right_party, is_promise, is_final from staging.dispositions"
        )
        dispositions = {
            code: Disposition(code, *flags, channels=frozenset(channels.split()))
            for channels, code, *flags in cursor.fetchall()
        }
    if not dispositions:
        raise ConfigurationError("staging.dispositions is empty: without it no result can be judged; run `build_marts`")
    return dispositions


def read_nonpayment_reasons(warehouse: Connection) -> frozenset[str]:
    """The codes of the seed `nonpayment_reasons`."""
    with warehouse.cursor() as cursor:
        cursor.execute("select nonpayment_reason from staging.nonpayment_reasons")
        return frozenset(row[0] for row in cursor.fetchall())


def read_foreign_collectors(warehouse: Connection, vendor: str) -> frozenset[str]:
    """The collectors who work for other vendors, as the bank's table says; none before marts were first built."""
    with warehouse.cursor() as cursor:
        if not _exists(cursor, "staging.stg_core_banking__collectors"):
            return frozenset()
        cursor.execute("select collector_id from staging.stg_core_banking__collectors where vendor <> %s", (vendor,))
        return frozenset(row[0] for row in cursor.fetchall())


# Acknowledgements ---------------------------------------------------------------------------------------------------


def _load_ack(this: Desk, cursor: Cursor, file: InboundFile, ack: Ack) -> FileOutcome:
    batch = _batch(this, ack.batch_id)
    refs = {row.contact_ref for row in ack.rejected}
    foreign = refs - {item.contact_ref for item in ledger.items(this.warehouse, batch.batch_id)}
    if foreign:
        raise FileRefused(f"{len(foreign)} of the rejected contact_refs are not of batch {batch.batch_id}")
    results = _check_ack(this, cursor, file, ack, batch)
    cursor.execute(
        "insert into landing.vendor_ack"
        " (_vendor, _file_sha256, batch_id, received_at, rows, sha256, accepted, rejected)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (this.vendor.name, file.sha256, batch.batch_id, ack.received_at, ack.rows, ack.sha256, ack.accepted)
        + (Json([row.model_dump() for row in ack.rejected]),),
    )
    _reconcile(this, batch, ack, results)
    _close_when_worked(this, cursor, batch)
    return FileOutcome(file.label, "ack", "loaded", batch.batch_id, rows=ack.rows)


def _check_ack(this: Desk, cursor: Cursor, file: InboundFile, ack: Ack, batch: ledger.Batch) -> list[RuleResult]:
    cursor.execute("select sha256 from ops.delivery_file where batch_id = %s and position = 0", (batch.batch_id,))
    sent = cursor.fetchone()
    frame = pd.DataFrame(
        {
            "rows": [ack.rows],
            "sent_rows": [batch.row_count],
            "sha256": [ack.sha256],
            "sent_sha256": [sent[0] if sent else ""],
            "is_taken": [ack.accepted > 0 or ack.rows == 0],
            "rejected_rows": [len(ack.rejected)],
        }
    )
    return _gate(this, file, "ack", frame, batch.as_of)


def _reconcile(this: Desk, batch: ledger.Batch, ack: Ack, results: Sequence[RuleResult]) -> None:
    """Move the batch on, or say in its history what does not agree."""
    red = [f"expected: {result.expected}" for result in results if _stops(result)]
    if not red:
        if may_follow(batch.state, BatchState.ACKNOWLEDGED):
            detail = f"{ack.accepted} of {ack.rows} rows taken"
            ledger.transition(this.warehouse, batch_id=batch.batch_id, to=BatchState.ACKNOWLEDGED, detail=detail)
        return
    detail = (
        f"the acknowledgement ({ack.rows} rows, {ack.accepted} taken) is not what was sent ({batch.row_count} rows): "
        + "; ".join(red)
    )
    _log.error("ALERT %s: %s", batch.batch_id, detail)
    if may_follow(batch.state, BatchState.REFUSED):
        ledger.transition(this.warehouse, batch_id=batch.batch_id, to=BatchState.REFUSED, detail=detail)
    else:
        ledger.note(this.warehouse, batch, detail)


# Results ------------------------------------------------------------------------------------------------------------


def _load_results(this: Desk, cursor: Cursor, file: InboundFile, table: Table) -> FileOutcome:
    # Who knows the references has seen the list, whatever became of it; and a death must be heard.
    batch = _batch(this, batch_in_name(file.name) or _batch_of_first_ref(this, cursor, table), is_sent=False)
    if batch.kind != "contact_list":
        raise FileRefused(f"batch {batch.batch_id} is a {batch.kind} file: it is acknowledged, no results are expected")
    rows = _Rows()
    cursor.execute(statement("inbound_incoming"))
    _copy_results(this, cursor, table, batch, rows)
    conflicts = _conflicts(cursor, batch)
    results = _gate(this, file, "results", _verdicts(rows, conflicts), batch.as_of)
    if any(_stops(result) for result in results):
        raise FileRefused(*_foreign_lines(rows, batch))
    rows.rejected += [(line, Problem(Reason.CONFLICT, ""), text) for line, text in conflicts.items()]
    names = {"vendor": this.vendor.name, "sha256": file.sha256, "batch_id": batch.batch_id}
    cursor.execute(statement("inbound_land_results"), names)
    _quarantine(this, cursor, file, rows)
    _note_breaches(this, batch, rows)
    if rows.lines and batch.state in GIVEN_UP:
        _alert(this, batch, f"{len(rows.lines)} attempts were reported on a list that is {batch.state}")
    _close_when_worked(this, cursor, batch)
    return FileOutcome(
        file.label,
        "results",
        "loaded",
        batch.batch_id,
        rows=len(rows.lines),
        rejected=rows.count_set_aside(),
        repeated=_count_repeated(cursor),
    )


def _copy_results(this: Desk, cursor: Cursor, table: Table, batch: ledger.Batch, rows: _Rows) -> None:
    """Judge the rows and bring those without a problem to the table `incoming`, some thousand at a time."""
    currencies = {item.contact_ref: item.currency for item in ledger.items(this.warehouse, batch.batch_id)}
    windows, recalled = _windows(cursor, batch), _recalled(cursor, batch)
    for chunk in _in_chunks(judged(table, this.terms(batch), currencies)):
        for verdict in chunk:
            rows.add(verdict)
            # Nobody knows what a row that is set aside will say when it comes corrected.
            rows.is_in_window.append(bool(verdict.problems) or _is_within(verdict.row, windows))
            rows.is_before_recall.append(bool(verdict.problems) or _is_within(verdict.row, recalled))
        good = [verdict for verdict in chunk if not verdict.problems]
        _copy(
            cursor,
            "incoming",
            ("_line_number", *_RESULT_COLUMNS, "_row_text"),
            ((it.raw.line, *(it.row[name] for name in _RESULT_COLUMNS), it.raw.text) for it in good),
        )


def _in_chunks(verdicts: Iterator[Verdict]) -> Iterator[list[Verdict]]:
    while chunk := list(islice(verdicts, CHUNK_ROWS)):
        yield chunk


def _is_within(row: Row, windows: Mapping[str, Window]) -> bool:
    attempted_at = row["attempted_at"]
    start, end = windows.get(str(row["contact_ref"]), (None, None))
    return not (isinstance(attempted_at, datetime) and is_breach(attempted_at, start, end))


def _conflicts(cursor: Cursor, batch: ledger.Batch) -> dict[int, str]:
    """Lines that report an attempt again with other content, and the rows as text."""
    cursor.execute(statement("inbound_verdicts"), {"batch_id": batch.batch_id})
    cursor.execute(
        "select incoming._line_number, incoming._row_text from incoming"
        " inner join verdict on incoming._line_number = verdict._line_number where verdict.verdict = 'conflict'"
    )
    return dict(cursor.fetchall())


def _count_repeated(cursor: Cursor) -> int:
    cursor.execute("select count(*) from verdict where verdict = 'repeated'")
    return cast(int, _first(cursor))


def _verdicts(rows: _Rows, conflicts: Mapping[int, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "is_of_batch": rows.is_of_batch,
            "form_problem": rows.form_problem,
            "batch_problem": rows.batch_problem,
            "conflict": [Reason.CONFLICT.name if line in conflicts else None for line in rows.lines],
            "is_known_disposition": rows.is_known_disposition,
            "is_in_window": rows.is_in_window,
            "is_before_recall": rows.is_before_recall,
        },
        dtype=object,
    )


def _foreign_lines(rows: _Rows, batch: ledger.Batch) -> list[str]:
    lines = [line for line, is_of_batch in zip(rows.lines, rows.is_of_batch, strict=True) if not is_of_batch]
    return [f"{len(lines)} rows have a contact_ref that is not of batch {batch.batch_id} (lines {_shown_lines(lines)})"]


def _note_breaches(this: Desk, batch: ledger.Batch, rows: _Rows) -> None:
    """What broke the law or the contract happened, so it is loaded; whoever answers for the vendor must hear of it."""
    for is_kept, what in (
        (rows.is_in_window, "outside their window"),
        (rows.is_before_recall, "after they were stopped or recalled"),
    ):
        lines = [line for line, is_good in zip(rows.lines, is_kept, strict=True) if not is_good]
        if lines:
            _alert(this, batch, f"compliance breach: {len(lines)} attempts {what} (lines {_shown_lines(lines)})")


def _shown_lines(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:20])) + (", …" if len(lines) > 20 else "")


def _alert(this: Desk, batch: ledger.Batch, detail: str) -> None:
    ledger.note(this.warehouse, batch, detail)
    _log.error("ALERT %s: %s", batch.batch_id, detail)


# Reviews ------------------------------------------------------------------------------------------------------------


def _load_qa(this: Desk, cursor: Cursor, file: InboundFile, table: Table) -> FileOutcome:
    rows = _Rows()
    cursor.execute(statement("inbound_incoming_qa"))
    for chunk in _in_chunks(judged(table, this.terms())):
        for verdict in chunk:
            rows.add(verdict)
        good = [verdict for verdict in chunk if not verdict.problems]
        _copy(
            cursor,
            "incoming_qa",
            ("_line_number", *_QA_COLUMNS),
            ((it.raw.line, *(it.row[name] for name in _QA_COLUMNS)) for it in good),
        )
    verdicts = {"form_problem": rows.form_problem, "row_problem": rows.batch_problem}
    _gate(this, file, "qa", pd.DataFrame(verdicts, dtype=object), None)
    cursor.execute(statement("inbound_land_qa"), {"vendor": this.vendor.name, "sha256": file.sha256})
    _quarantine(this, cursor, file, rows)
    return FileOutcome(file.label, "qa", "loaded", rows=len(rows.lines), rejected=rows.count_set_aside())


# What all of them need ----------------------------------------------------------------------------------------------


def _batch(this: Desk, batch_id: str, *, is_sent: bool = True) -> ledger.Batch:
    """The batch that a file answers.

    Args:
        is_sent: Whether it must have left.

    Raises:
        FileRefused: it is not this vendor's, or it has not left.
    """
    with this.warehouse.cursor() as cursor:
        cursor.execute(
            "select sending_since is not null or state not in ('planned', 'written', 'expired', 'superseded')"
            " from ops.delivery_batch where batch_id = %s and vendor = %s",
            (batch_id, this.vendor.name),
        )
        found = cursor.fetchone()
        if found is None or (is_sent and not found[0]):
            raise FileRefused(f"{_shown(batch_id)} was not sent to you: use the batch_id of the manifest, unchanged")
    return ledger.get_batch(this.warehouse, batch_id, lock=True)


def _shown(batch_id: str) -> str:
    return f"batch {batch_id}" if is_plain_name(batch_id) else "the batch that is named"


def _batch_of_first_ref(this: Desk, cursor: Cursor, table: Table) -> str:
    """The batch whose rows the file reports, told by its first reference that we know."""
    refs = (table.values(raw)[0]["contact_ref"] for raw in table.rows())
    ref = next((ref for ref in refs if ref is not None), None)
    if ref is not None:
        cursor.execute(statement("inbound_batch_of_ref"), {"contact_ref": ref, "vendor": this.vendor.name})
        found = cursor.fetchone()
        if found:
            return str(found[0])
    raise FileRefused(
        "which batch the file answers is not known: name it <batch_id>.results-<n>.csv, and use the contact_refs of"
        " its list"
    )


def _windows(cursor: Cursor, batch: ledger.Batch) -> dict[str, Window]:
    if not _exists(cursor, "marts.fct_contact_decision"):
        return {}
    cursor.execute(statement("inbound_windows"), {"batch_id": batch.batch_id})
    return {ref: (start, end) for ref, start, end in cursor.fetchall()}


def _recalled(cursor: Cursor, batch: ledger.Batch) -> dict[str, Window]:
    """Until when a row might be worked that a stop file or recall then named."""
    cursor.execute(statement("inbound_recalled"), {"batch_id": batch.batch_id})
    return {ref: (None, end) for ref, end in cursor.fetchall()}


def _exists(cursor: Cursor, relation: str) -> bool:
    cursor.execute("select to_regclass(%s) is not null", (relation,))
    return bool(_first(cursor))


def _gate(this: Desk, file: InboundFile, kind: str, frame: pd.DataFrame, as_of: date | None) -> list[RuleResult]:
    results = check_frame(suite=f"vendor_file.{kind}", frame=frame, reference=file.sha256, docs_dir=this.docs_dir)
    record(this.warehouse, border="vendor_file", subject=kind, reference=file.sha256, as_of=as_of, results=results)
    return results


def _stops(result: RuleResult) -> bool:
    return result.severity is Severity.ABORT and not result.success


def _quarantine(this: Desk, cursor: Cursor, file: InboundFile, rows: _Rows) -> None:
    execute_values(
        cursor,
        "insert into quarantine.vendor_result (vendor, file_sha256, line_number, reason_code, field_name, row_text)"
        " values %s on conflict do nothing",
        [
            (this.vendor.name, file.sha256, line, problem.code, problem.field, text)
            for line, problem, text in rows.rejected
        ],
    )


def _close_when_worked(this: Desk, cursor: Cursor, batch: ledger.Batch) -> None:
    """Mark the rows of a list that are over, and close the batch when all are."""
    if batch.kind != "contact_list":
        return
    final = [code for code, disposition in this.dispositions.items() if disposition.is_final]
    cursor.execute(statement("inbound_mark_final"), {"batch_id": batch.batch_id, "final_dispositions": final})
    cursor.execute(
        "select not exists (select 1 from ops.delivery_item where batch_id = %s and not is_final)", (batch.batch_id,)
    )
    is_over = bool(_first(cursor))
    if is_over and ledger.get_batch(this.warehouse, batch.batch_id).state is BatchState.ACKNOWLEDGED:
        ledger.transition(
            this.warehouse, batch_id=batch.batch_id, to=BatchState.CLOSED, detail="the vendor is done with every row"
        )


def _copy(cursor: Cursor, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    buffer.seek(0)
    cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin with (format csv)", buffer)


def _first(cursor: Cursor) -> object:
    row = cursor.fetchone()
    return row[0] if row else None

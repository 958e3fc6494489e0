"""What vendors send, read over real SFTP into a real warehouse: every kind of damage, any order, twice, and killed."""

import csv
import hashlib
import io
import json
import logging
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest

from arrears.delivery import ledger
from arrears.delivery.ingest import IngestReport, read_inbound
from arrears.domain.batch_state import BatchState
from arrears.domain.vendor_results import QA_FIELDS, RESULT_FIELDS
from arrears.errors import ConfigurationError, GateBrokenError
from arrears.hooks.vendor_sftp import VendorServer, VendorSftp
from arrears.services import sftp as sftp_service
from arrears.services.postgres import admin_connection, create_database
from arrears.services.sftp import SftpService
from arrears.settings import PROJECT_ROOT, Settings

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]

Warehouse = psycopg2.extensions.connection

AS_OF = date(2020, 4, 15)
PLANNED_AT = datetime(2020, 4, 14, 22, 0, tzinfo=UTC)  # 06:00 on the business date at the bank
VALID_UNTIL = datetime(2020, 4, 15, 12, 0, tzinfo=UTC)
NOW = datetime(2020, 4, 16, 12, 0, tzinfo=UTC)
CALLS = "phone-demo_call-20200415-01"
MESSAGES = "sms-demo_sms-20200415-01"
REFS = ("ref-a", "ref-b", "ref-c")
LIST = b"the list as sent"

GOOD = {
    "contact_ref": "ref-a",
    "contact_point_ref": "phone",
    "attempted_at": "2020-04-15T10:02:00+08:00",
    "disposition": "promise_to_pay",
    "nonpayment_reason": "forgot",
    "collector_id": "SYN-demo_call-01",
    "talk_seconds": "185",
    "promise_amount": "120.50",
    "promise_on": "2020-04-20",
    "amount_collected": "",
    "cost": "1.2000",
    "currency": "USD",
    "complaint": "false",
    "satisfaction": "4",
    "recording_ref": "rec-1",
    "note": "will pay after payday",
}
WRITTEN = (
    "landing.vendor_ack",
    "landing.vendor_result",
    "landing.vendor_qa",
    "quarantine.vendor_result",
    "ops.vendor_file",
    "ops.quality_results",
    "ops.delivery_event",
    "ops.delivery_file",
    "ops.delivery_item",
    "ops.delivery_batch",
    "ops.source_generation",
)
"""Every table that these tests write, those that refer to others first."""
NO_PROMISE = {"promise_amount": "", "promise_on": ""}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpService]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = SftpService(Settings(home=tmp_path_factory.mktemp("vendors"), sftp_port=port))
    service.start()
    yield service
    service.stop()


@pytest.fixture(autouse=True)
def empty_directories(service: SftpService) -> None:
    for vendor in sftp_service.vendor_codes():
        inbound = sftp_service.vendor_directory(service.settings, vendor) / "inbound"
        for path in sorted(inbound.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


@pytest.fixture(scope="module")
def database(server: Settings) -> Iterator[Settings]:
    """One warehouse for all tests here: `bank` empties it, which is many times faster than another database."""
    settings = server.model_copy(update={"warehouse_database": "warehouse_ingest"})
    with closing(admin_connection(server, "postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            create_database(cursor, settings.warehouse_database, "pipeline", template="warehouse")
            cursor.execute(f"alter database {settings.warehouse_database} set synchronous_commit = off")
            yield settings
            cursor.execute(f"drop database if exists {settings.warehouse_database} with (force)")


@pytest.fixture
def bank(database: Settings) -> Iterator[Warehouse]:
    """A warehouse with the seeds that ingest reads, and two batches at their vendors."""
    with closing(psycopg2.connect(database.dsn("warehouse", "pipeline"))) as warehouse:
        with warehouse, warehouse.cursor() as cursor:
            for table_name in WRITTEN:
                cursor.execute(f"delete from {table_name}")
            cursor.execute("drop table if exists marts.fct_contact_decision")
            for seed in ("vendors", "dispositions", "nonpayment_reasons"):
                load_seed(cursor, seed)
            cursor.execute("insert into ops.source_generation values (1, 'static', 'test')")
        send(warehouse, CALLS, channel="phone", vendor="demo_call")
        send(warehouse, MESSAGES, channel="sms", vendor="demo_sms")
        yield warehouse


def load_seed(cursor: psycopg2.extensions.cursor, name: str) -> None:
    """The seed as dbt makes it, as far as types matter here."""
    path = PROJECT_ROOT / "dbt_project" / "seeds" / "reference" / f"{name}.csv"
    header = path.read_text().splitlines()[0].split(",")
    booleans = ("is_", "acknowledges_")
    columns = ", ".join(f"{column} {'boolean' if column.startswith(booleans) else 'text'}" for column in header)
    cursor.execute(f"drop table if exists staging.{name}")
    cursor.execute(f"create table staging.{name} ({columns})")
    with path.open() as file:
        cursor.copy_expert(f"copy staging.{name} from stdin with (format csv, header)", file)


def send(
    warehouse: Warehouse,
    batch_id: str,
    *,
    channel: str,
    vendor: str,
    kind: str = "contact_list",
    refs: Sequence[str] = REFS,
    state: BatchState = BatchState.UPLOADED,
) -> None:
    """Write a batch into the ledger as if it had been delivered (or had got as far as `state`)."""
    batch = ledger.Batch(
        batch_id=batch_id,
        kind=kind,
        channel=channel,
        vendor=vendor,
        generation=1,
        as_of=AS_OF,
        sequence=int(batch_id[-2:]),
        state=BatchState.PLANNED,
        row_count=len(refs),
        planned_at=PLANNED_AT,
        valid_until=VALID_UNTIL,
        supersedes=None,
        inputs_hmac="",
        sending_since=None,
    )
    with warehouse:
        ledger.insert_batch(warehouse, batch, VALID_UNTIL)
        ledger.insert_items(warehouse, batch_id, [ledger.Item(ref, f"customer of {ref}", "USD") for ref in refs])
        ledger.store_files(warehouse, batch_id, [ledger.StoredFile(f"{batch_id}.csv", LIST, len(refs))])
        if state is not BatchState.PLANNED:
            ledger.transition(warehouse, batch_id=batch_id, to=BatchState.WRITTEN)
        if state is BatchState.UPLOADED:
            ledger.mark_sending(warehouse, batch_id, PLANNED_AT)
            ledger.transition(warehouse, batch_id=batch_id, to=BatchState.UPLOADED)


class Vendor:
    """One vendor's side of the server, and the bank's session with it."""

    def __init__(self, service: SftpService, warehouse: Warehouse, settings: Settings, name: str = "demo_call") -> None:
        self.name = name
        self.warehouse = warehouse
        self.settings = settings
        self.home = service.settings
        self.inbound = sftp_service.vendor_directory(service.settings, name) / "inbound"

    def session(self) -> VendorSftp:
        return VendorSftp(
            VendorServer(
                vendor=self.name,
                host=self.home.sftp_host,
                port=self.home.sftp_port,
                username=self.name,
                host_key=sftp_service.host_key_line(self.home),
                key_file=sftp_service.client_key_file(self.home, self.name),
            )
        )

    def drop(self, name: str, content: bytes | str) -> None:
        (self.inbound / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, now: datetime = NOW) -> IngestReport:
        with self.session() as sftp:
            return read_inbound(self.warehouse, sftp, vendor=self.name, settings=self.settings, now=now)

    def names(self, directory: str = "") -> set[str]:
        return {path.name for path in (self.inbound / directory).glob("*") if path.is_file()}

    def reason(self, directory: str, name: str) -> dict[str, object]:
        document: dict[str, object] = json.loads((self.inbound / directory / f"{name}.reason.json").read_text())
        return document


@pytest.fixture
def calls(service: SftpService, bank: Warehouse, database: Settings) -> Vendor:
    return Vendor(service, bank, database)


@pytest.fixture
def messages(service: SftpService, bank: Warehouse, database: Settings) -> Vendor:
    return Vendor(service, bank, database, "demo_sms")


def table(rows: Sequence[Mapping[str, str]], columns: Sequence[str] = tuple(GOOD)) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def acknowledgement(batch_id: str = CALLS, **changed: object) -> str:
    document = {
        "batch_id": batch_id,
        "received_at": "2020-04-15T06:01:00+08:00",
        "rows": len(REFS),
        "sha256": hashlib.sha256(LIST).hexdigest(),
        "accepted": len(REFS),
        "rejected": [],
    }
    return json.dumps(document | changed)


def query(warehouse: Warehouse, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def state(warehouse: Warehouse, batch_id: str = CALLS) -> BatchState:
    with warehouse:
        return ledger.get_batch(warehouse, batch_id).state


def snapshot(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    """Everything that ingest writes, less identities and times of the clock."""
    return {
        "results": query(
            warehouse,
            "select _vendor, _file_sha256, _line_number, batch_id, contact_ref, attempted_at, disposition, cost"
            " from landing.vendor_result order by 1, 2, 3",
        ),
        "acks": query(warehouse, "select batch_id, _file_sha256, rows, accepted from landing.vendor_ack order by 1, 2"),
        "quarantine": query(
            warehouse,
            "select file_sha256, line_number, reason_code, field_name, row_text"
            " from quarantine.vendor_result order by 1, 2, 3, 4",
        ),
        "files": query(
            warehouse,
            "select sha256, file_name, kind, batch_id, state, row_count, rejected_rows, reason from ops.vendor_file"
            " order by 1, 2",
        ),
        "batches": query(warehouse, "select batch_id, state, refused_reason from ops.delivery_batch order by 1"),
        "events": query(
            warehouse, "select batch_id, from_state, to_state, detail from ops.delivery_event order by event_id"
        ),
        "items": query(warehouse, "select batch_id, contact_ref, is_final from ops.delivery_item order by 1, 2"),
        "quality": query(
            warehouse,
            "select border, subject, reference, rule_id, success, failed_rows from ops.quality_results"
            " order by 1, 2, 3, 4",
        ),
    }


# The ordinary day ---------------------------------------------------------------------------------------------


def test_acknowledgement_and_results_are_landed_and_the_batch_is_closed(calls: Vendor) -> None:
    calls.drop(f"{CALLS}.ack.json", acknowledgement())
    calls.drop(
        f"{CALLS}.results-1.csv",
        table(
            [
                GOOD,
                GOOD
                | NO_PROMISE
                | {"contact_ref": "ref-b", "disposition": "refused", "nonpayment_reason": "unwilling"},
                GOOD | NO_PROMISE | {"contact_ref": "ref-c", "disposition": "wrong_party", "satisfaction": ""},
            ]
        ),
    )

    report = calls.read()

    assert (report.count("loaded"), report.loaded_rows, report.rejected_rows) == (2, 3, 0)
    assert state(calls.warehouse) is BatchState.CLOSED
    landed = query(
        calls.warehouse,
        "select _vendor, _line_number, batch_id, contact_ref, contact_point_ref, attempted_at, disposition,"
        " nonpayment_reason, collector_id, talk_seconds, promise_amount, promise_on, amount_collected, cost, currency,"
        " complaint, satisfaction, recording_ref, note from landing.vendor_result order by _line_number limit 1",
    )
    assert landed == [
        ("demo_call", 2, CALLS, "ref-a", "phone", datetime(2020, 4, 15, 2, 2, tzinfo=UTC), "promise_to_pay")
        + ("forgot", "SYN-demo_call-01", 185, Decimal("120.50"), date(2020, 4, 20), None, Decimal("1.2000"), "USD")
        + (False, 4, "rec-1", "will pay after payday")
    ]
    assert query(calls.warehouse, "select rows, accepted, rejected from landing.vendor_ack") == [(3, 3, [])]
    assert calls.names() == set()
    assert calls.names("done") == {f"{CALLS}.ack.json", f"{CALLS}.results-1.csv"}


def test_results_before_the_acknowledgement_end_the_same(calls: Vendor) -> None:
    final = table([GOOD | NO_PROMISE | {"contact_ref": ref, "disposition": "disputed"} for ref in REFS])
    calls.drop("a.csv", final)
    calls.read()
    assert state(calls.warehouse) is BatchState.UPLOADED

    calls.drop("b.json", acknowledgement())
    calls.read()

    assert state(calls.warehouse) is BatchState.CLOSED


def test_a_batch_stays_open_until_every_row_is_final(calls: Vendor) -> None:
    calls.drop("ack.json", acknowledgement())
    rows = [GOOD | NO_PROMISE | {"contact_ref": "ref-b", "disposition": "no_answer"}]
    calls.drop("1.csv", table([GOOD, *rows]))
    calls.read()
    assert state(calls.warehouse) is BatchState.ACKNOWLEDGED

    calls.drop(
        "2.csv", table([row | {"disposition": "refused", "attempted_at": "2020-04-15T17:00:00+08:00"} for row in rows])
    )
    calls.read()
    assert state(calls.warehouse) is BatchState.ACKNOWLEDGED

    # The third row was called back, and the vendor took the recall.
    recall = "recall-demo_call-20200415-01"
    send(calls.warehouse, recall, channel="all", vendor="demo_call", kind="recall", refs=["ref-c"])
    calls.drop("recall.json", acknowledgement(recall, rows=1, accepted=1))
    calls.drop("3.csv", table([rows[0] | {"attempted_at": "2020-04-15T18:00:00+08:00"}]))
    calls.read()
    calls.drop("4.csv", table([rows[0] | {"attempted_at": "2020-04-15T19:00:00+08:00"}]))
    calls.read()

    assert state(calls.warehouse, recall) is BatchState.ACKNOWLEDGED
    assert state(calls.warehouse) is BatchState.CLOSED


def test_an_empty_inbox_is_nothing_to_do(calls: Vendor) -> None:
    before = snapshot(calls.warehouse)

    report = calls.read()

    assert report.files == ()
    assert snapshot(calls.warehouse) == before


def test_a_list_without_rows_is_closed_by_its_acknowledgement(calls: Vendor) -> None:
    empty = "phone-demo_call-20200415-02"
    send(calls.warehouse, empty, channel="phone", vendor="demo_call", refs=[])
    calls.drop("ack.json", acknowledgement(empty, rows=0, accepted=0))

    calls.read()

    assert state(calls.warehouse, empty) is BatchState.CLOSED


def test_results_without_rows_are_loaded(calls: Vendor) -> None:
    calls.drop(f"{CALLS}.results-1.csv", table([]))

    report = calls.read()

    assert [(file.state, file.rows) for file in report.files] == [("loaded", 0)]


def test_a_file_that_is_still_being_written_is_left_alone(calls: Vendor) -> None:
    calls.drop(f"{CALLS}.results-1.csv.part", table([GOOD]))

    assert calls.read().files == ()
    assert calls.names() == {f"{CALLS}.results-1.csv.part"}


# Again ----------------------------------------------------------------------------------------------------------


def test_a_file_seen_before_has_no_effect_under_any_name(calls: Vendor) -> None:
    calls.drop(f"{CALLS}.ack.json", acknowledgement())
    calls.drop(f"{CALLS}.results-1.csv", table([GOOD, GOOD | {"contact_ref": "ref-b", "cost": "-1"}]))
    calls.read()
    before = snapshot(calls.warehouse)

    calls.drop(f"{CALLS}.ack.json", acknowledgement())
    calls.drop("once more.csv".replace(" ", "-"), table([GOOD, GOOD | {"contact_ref": "ref-b", "cost": "-1"}]))
    report = calls.read()

    assert [file.state for file in report.files] == ["seen_before", "seen_before"]
    after = snapshot(calls.warehouse)
    assert {name: rows for name, rows in after.items() if name != "files"} == {
        name: rows for name, rows in before.items() if name != "files"
    }
    assert calls.names() == set()
    assert len([name for name in calls.names("done") if not name.endswith(".reason.json")]) == 4


def test_a_longer_file_that_repeats_a_part_counts_each_attempt_once(calls: Vendor) -> None:
    other = GOOD | NO_PROMISE | {"contact_ref": "ref-b", "disposition": "busy"}
    calls.drop("1.csv", table([GOOD]))
    calls.read()
    calls.drop("2.csv", table([GOOD, other, other]))

    report = calls.read()

    assert (report.files[0].rows, report.rejected_rows) == (3, 0)
    assert query(calls.warehouse, "select count(*) from landing.vendor_result") == [(2,)]


@pytest.mark.parametrize("in_one_file", [True, False])
def test_an_attempt_reported_again_with_other_content_is_set_aside(calls: Vendor, in_one_file: bool) -> None:
    changed = GOOD | {"promise_amount": "999.00"}
    if in_one_file:
        calls.drop("1.csv", table([GOOD, changed]))
        calls.read()
    else:
        calls.drop("1.csv", table([GOOD]))
        calls.read()
        calls.drop("2.csv", table([changed]))
        calls.read()

    assert query(calls.warehouse, "select promise_amount from landing.vendor_result") == [(Decimal("120.50"),)]
    assert [row[2] for row in snapshot(calls.warehouse)["quarantine"]] == ["CONFLICT"]


# Damaged rows ---------------------------------------------------------------------------------------------------

DAMAGED_ROWS: dict[str, tuple[dict[str, str], str, str]] = {
    "no reference": ({"contact_ref": ""}, "MISSING_VALUE", "contact_ref"),
    "no time": ({"attempted_at": ""}, "MISSING_VALUE", "attempted_at"),
    "no disposition": ({"disposition": ""}, "MISSING_VALUE", "disposition"),
    "no offset": ({"attempted_at": "2020-04-15T10:02:00"}, "BAD_OFFSET", "attempted_at"),
    "impossible offset": ({"attempted_at": "2020-04-15T10:02:00+19:00"}, "BAD_OFFSET", "attempted_at"),
    "another kind of time": ({"attempted_at": "15/04/2020 10:02"}, "NOT_AN_INSTANT", "attempted_at"),
    "a day that is none": ({"attempted_at": "2020-02-30T10:02:00+08:00"}, "NOT_AN_INSTANT", "attempted_at"),
    "before the list was sent": ({"attempted_at": "2020-04-15T05:59:59+08:00"}, "BEFORE_LIST", "attempted_at"),
    "in the future": ({"attempted_at": "2020-04-16T12:00:01Z"}, "IN_FUTURE", "attempted_at"),
    "unknown disposition": (NO_PROMISE | {"disposition": "callback"}, "UNKNOWN_DISPOSITION", "disposition"),
    "disposition in capitals": (NO_PROMISE | {"disposition": "REFUSED"}, "UNKNOWN_DISPOSITION", "disposition"),
    "unknown reason": ({"nonpayment_reason": "holiday"}, "UNKNOWN_NONPAYMENT_REASON", "nonpayment_reason"),
    "no number dialled": ({"contact_point_ref": ""}, "NO_CONTACT_POINT", "contact_point_ref"),
    "another number": ({"contact_point_ref": "office"}, "NOT_ALLOWED", "contact_point_ref"),
    "negative cost": ({"cost": "-0.01"}, "NEGATIVE", "cost"),
    "negative promise": ({"promise_amount": "-5.00"}, "NEGATIVE", "promise_amount"),
    "thousands separator": ({"promise_amount": "1,000.00"}, "NOT_AN_AMOUNT", "promise_amount"),
    "too many digits": ({"promise_amount": "10.005"}, "NOT_AN_AMOUNT", "promise_amount"),
    "not a number": ({"amount_collected": "NaN"}, "NOT_AN_AMOUNT", "amount_collected"),
    "promise without day": ({"promise_on": ""}, "PROMISE_INCOMPLETE", "promise_on"),
    "promise without amount": ({"promise_amount": ""}, "PROMISE_INCOMPLETE", "promise_amount"),
    "promise of nothing": ({"promise_amount": "0.00"}, "PROMISE_INCOMPLETE", "promise_amount"),
    "promise for yesterday": ({"promise_on": "2020-04-13"}, "PROMISE_IN_PAST", "promise_on"),
    "promise by who refused": ({"disposition": "refused"}, "NOT_A_PROMISE", "promise_amount"),
    "currency missing": ({"currency": ""}, "CURRENCY_MISSING", "currency"),
    "another currency": ({"currency": "CNY"}, "CURRENCY_MISMATCH", "currency"),
    "talk in minutes": ({"talk_seconds": "3:05"}, "NOT_AN_INTEGER", "talk_seconds"),
    "talk of two days": ({"talk_seconds": "172800"}, "OUT_OF_RANGE", "talk_seconds"),
    "six stars": ({"satisfaction": "6"}, "OUT_OF_RANGE", "satisfaction"),
    "a yes": ({"complaint": "yes"}, "NOT_A_BOOLEAN", "complaint"),
    "a formula": ({"note": '=HYPERLINK("http://example.org")'}, "UNSAFE_TEXT", "note"),
    "a formula for a code": ({"collector_id": "@SUM(A1)"}, "UNSAFE_TEXT", "collector_id"),
    "a path for a code": ({"recording_ref": "../../etc/passwd"}, "NOT_A_CODE", "recording_ref"),
    "control characters": ({"note": "bell\x07"}, "UNSAFE_TEXT", "note"),
    "a novel": ({"note": "x" * 1001}, "TOO_LONG", "note"),
}


@pytest.mark.parametrize(("change", "code", "field"), DAMAGED_ROWS.values(), ids=DAMAGED_ROWS)
def test_a_damaged_row_is_set_aside_and_the_rest_goes_on(
    calls: Vendor, change: dict[str, str], code: str, field: str
) -> None:
    sound = GOOD | {"contact_ref": "ref-c"}
    calls.drop("r.csv", table([GOOD | {"contact_ref": "ref-b"} | change, sound]))

    report = calls.read()

    assert (report.loaded_rows, report.rejected_rows) == (1, 1)
    assert query(calls.warehouse, "select contact_ref, _line_number from landing.vendor_result") == [("ref-c", 3)]
    [(line, reason, name, text)] = query(
        calls.warehouse, "select line_number, reason_code, field_name, row_text from quarantine.vendor_result"
    )
    assert (line, reason, name) == (2, code, field)
    assert "SYN-demo_call-01" in str(text) or field == "collector_id"
    told = calls.reason("done", "r.csv")["rows_set_aside"]
    assert isinstance(told, list)
    assert [(row["line"], row["code"], row["field"]) for row in told] == [(2, code, field)]
    red = {rule for _, _, _, rule, success, _ in snapshot(calls.warehouse)["quality"] if not success}
    assert red & {"result_row_readable", "result_row_answers_list"}


def test_an_unknown_disposition_is_warned_of(calls: Vendor) -> None:
    calls.drop("r.csv", table([GOOD | NO_PROMISE | {"disposition": "callback"}]))

    calls.read()

    assert query(
        calls.warehouse,
        "select severity, failed_rows from ops.quality_results where rule_id = 'result_disposition_known'",
    ) == [("warn", 1)]


def test_every_problem_of_a_row_is_told(calls: Vendor) -> None:
    calls.drop("r.csv", table([GOOD | {"cost": "-1", "satisfaction": "9", "complaint": "maybe"}]))

    calls.read()

    told = calls.reason("done", "r.csv")["rows_set_aside"]
    assert isinstance(told, list)
    assert {(row["field"], row["code"]) for row in told} == {
        ("cost", "NEGATIVE"),
        ("satisfaction", "OUT_OF_RANGE"),
        ("complaint", "NOT_A_BOOLEAN"),
    }


def test_a_row_with_another_number_of_fields_is_set_aside(calls: Vendor) -> None:
    lines = table([GOOD, GOOD | {"contact_ref": "ref-b"}]).splitlines()
    calls.drop("r.csv", "\n".join([lines[0], lines[1] + ",extra", lines[2]]) + "\n")

    calls.read()

    assert [row[1:4] for row in snapshot(calls.warehouse)["quarantine"]] == [(2, "FIELD_COUNT", "")]
    assert query(calls.warehouse, "select contact_ref from landing.vendor_result") == [("ref-b",)]


def test_lines_are_those_of_the_file_also_after_a_note_of_several_lines(calls: Vendor) -> None:
    calls.drop("r.csv", table([GOOD | {"note": "one\ntwo\nthree"}, GOOD | {"contact_ref": "ref-b", "cost": "x"}]))

    calls.read()

    assert [row[1:4] for row in snapshot(calls.warehouse)["quarantine"]] == [(5, "NOT_AN_AMOUNT", "cost")]


def test_channels_other_than_phone_need_no_number(messages: Vendor) -> None:
    messages.drop("r.csv", table([GOOD | NO_PROMISE | {"contact_point_ref": "", "disposition": "delivered"}]))

    assert messages.read().loaded_rows == 1


def test_a_list_of_a_past_day_can_be_worked_from_the_beginning_of_that_day(calls: Vendor) -> None:
    with calls.warehouse, calls.warehouse.cursor() as cursor:
        cursor.execute(
            "update ops.delivery_batch set planned_at = '2026-11-24T08:00:00Z' where batch_id = %s", (CALLS,)
        )
    early = GOOD | {"contact_ref": "ref-b", "attempted_at": "2020-04-14T23:59:59+08:00"}
    calls.drop("r.csv", table([GOOD | {"attempted_at": "2020-04-15T00:00:01+08:00"}, early]))

    calls.read()

    assert [row[1:3] for row in snapshot(calls.warehouse)["quarantine"]] == [(3, "BEFORE_LIST")]


# Breaches -------------------------------------------------------------------------------------------------------


def test_an_attempt_outside_its_window_is_landed_and_recorded_as_a_breach(calls: Vendor) -> None:
    with calls.warehouse, calls.warehouse.cursor() as cursor:
        cursor.execute(
            "create table marts.fct_contact_decision (as_of date, channel text, customer_id text, currency text,"
            " window_start timestamptz, window_end timestamptz)"
        )
        cursor.execute(
            "insert into marts.fct_contact_decision select %s, 'phone', 'customer of ' || ref, 'USD',"
            " '2020-04-15T09:00:00+08:00', '2020-04-15T18:00:00+08:00' from unnest(%s) as ref",
            (AS_OF, list(REFS)),
        )
    late = GOOD | NO_PROMISE | {"contact_ref": "ref-b", "disposition": "busy"}
    calls.drop(
        "r.csv",
        table(
            [
                GOOD | {"attempted_at": "2020-04-15T09:00:00+08:00"},
                late | {"attempted_at": "2020-04-15T18:00:01+08:00"},
                late | {"attempted_at": "2020-04-15T08:59:59+08:00", "contact_ref": "ref-c"},
            ]
        ),
    )

    report = calls.read()

    assert (report.loaded_rows, report.rejected_rows) == (3, 0)
    assert query(
        calls.warehouse,
        "select severity, success, failed_rows, as_of from ops.quality_results where border = 'vendor_file'"
        " and rule_id = 'result_attempt_in_window'",
    ) == [("warn", False, 2, AS_OF)]
    assert query(
        calls.warehouse,
        "select count(*) from ops.delivery_event where batch_id = %s and detail ~ 'breach.*3, 4'",
        CALLS,
    ) == [(1,)]


# Files refused whole ----------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[str, bytes, str]] = {
    "empty": ("r.csv", b"", "the file is empty"),
    "blank lines only": ("r.csv", b"\n\n \n", "the file is empty"),
    "semicolons": ("r.csv", table([GOOD]).replace(",", ";").encode(), "separated by semicolons, expected commas"),
    "tabs": ("r.csv", table([GOOD]).replace(",", "\t").encode(), "separated by tabs, expected commas"),
    "UTF-16": ("r.csv", table([GOOD]).encode("utf-16"), "not UTF-8"),
    "GBK": ("r.csv", table([GOOD | {"note": "下周付款"}]).encode("gbk"), "line 2: the file is not UTF-8"),
    "an unknown column": (
        "r.csv",
        table([GOOD]).replace("talk_seconds", "talk_second", 1).encode(),
        "line 1: unknown column `talk_second`, did you mean talk_seconds?",
    ),
    "a column twice": ("r.csv", table([GOOD]).replace("note", "cost", 1).encode(), "column cost appears twice"),
    "a missing column": (
        "r.csv",
        table([{"contact_ref": "ref-a", "disposition": "busy"}], ["contact_ref", "disposition"]).encode(),
        "required column attempted_at is missing",
    ),
    "no header": ("r.csv", table([GOOD]).split("\n", 1)[1].encode(), "required column contact_ref is missing"),
    "an open quote": ("r.csv", table([GOOD]).encode() + b'"ref-b,phone', "not readable as CSV"),
    "a spreadsheet": ("r.csv", b"PK\x03\x04\x14\x00\x08\x08\x08\x00\xa1\xb2\xc3", "not UTF-8"),
    "an unknown batch": (
        "phone-demo_call-20200416-01.results-1.csv",
        table([GOOD]).encode(),
        "batch phone-demo_call-20200416-01 was not sent to you",
    ),
    "another vendor's batch": (
        f"{MESSAGES}.results-1.csv",
        table([GOOD]).encode(),
        f"batch {MESSAGES} was not sent to you",
    ),
    "a foreign reference": (
        f"{CALLS}.results-1.csv",
        table([GOOD, GOOD | {"contact_ref": "ref-z"}]).encode(),
        f"1 rows have a contact_ref that is not of batch {CALLS} (lines 3)",
    ),
    "only foreign references": ("r.csv", table([GOOD | {"contact_ref": "ref-z"}]).encode(), "is not known"),
    "a name with blanks": ("results of Mr Smith.csv", table([GOOD]).encode(), "the file's name may hold"),
    "broken JSON": ("a.json", acknowledgement().encode()[:-1], "line 1, column"),
    "JSON of another kind": ("a.json", b'{"hello": "world"}', "batch_id: Field required"),
    "a batch that is a path": ("a.json", acknowledgement("../../etc/passwd").encode(), "was not sent to you"),
    "an acknowledgement of another's batch": ("a.json", acknowledgement(MESSAGES).encode(), "was not sent to you"),
    "no offset in an acknowledgement": (
        "a.json",
        acknowledgement(received_at="2020-04-15T06:01:00").encode(),
        "received_at: Input should have timezone info",
    ),
    "a hash that is none": ("a.json", acknowledgement(sha256="abc").encode(), "sha256: String should match pattern"),
    "figures that do not add up": ("a.json", acknowledgement(accepted=2).encode(), "do not add up to rows (3)"),
    "rejecting what was not sent": (
        "a.json",
        acknowledgement(accepted=2, rejected=[{"contact_ref": "ref-z", "reason": "no"}]).encode(),
        "1 of the rejected contact_refs are not of batch",
    ),
    "deep JSON": ("a.json", b'{"a":' * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize(("name", "content", "problem"), REFUSED.values(), ids=REFUSED)
def test_a_file_is_refused_whole_with_words_that_help(calls: Vendor, name: str, content: bytes, problem: str) -> None:
    before = snapshot(calls.warehouse)
    calls.drop(name, content)

    report = calls.read()

    [outcome] = report.files
    assert outcome.state == "refused"
    assert problem in "; ".join(outcome.problems)
    after = snapshot(calls.warehouse)
    assert {key: rows for key, rows in after.items() if key != "files"} == {
        key: rows for key, rows in before.items() if key != "files"
    }
    assert [row[4] for row in after["files"]] == ["refused"]
    assert calls.names() == set()
    told = calls.reason("refused", outcome.file_name)
    assert problem in json.dumps(told["problems"], ensure_ascii=False).replace("\\", "")
    assert (calls.inbound / "refused" / outcome.file_name).read_bytes() == content


def test_a_large_file_is_refused_unread(calls: Vendor) -> None:
    calls.settings = Settings(**calls.settings.model_dump() | {"vendor_file_max_bytes": 1000})
    calls.drop("r.csv", table([GOOD] * 10))

    report = calls.read()

    assert [file.state for file in report.files] == ["refused"]
    assert "at most 1000 are read" in report.files[0].problems[0]
    assert calls.names("refused") == {"r.csv", "r.csv.reason.json"}


@pytest.mark.parametrize("reached", [BatchState.PLANNED, BatchState.WRITTEN])
def test_an_answer_to_a_batch_that_did_not_leave_is_refused(calls: Vendor, reached: BatchState) -> None:
    batch = "phone-demo_call-20200415-02"
    send(calls.warehouse, batch, channel="phone", vendor="demo_call", refs=["ref-x"], state=reached)
    calls.drop("a.json", acknowledgement(batch, rows=1, accepted=1))

    assert [file.state for file in calls.read().files] == ["refused"]
    assert state(calls.warehouse, batch) is reached


@pytest.mark.parametrize("became", [BatchState.SUPERSEDED, BatchState.REFUSED])
def test_what_happened_on_a_list_is_heard_whatever_became_of_it(calls: Vendor, became: BatchState) -> None:
    batch = "phone-demo_call-20200415-02"
    send(calls.warehouse, batch, channel="phone", vendor="demo_call", refs=["ref-x"], state=BatchState.WRITTEN)
    with calls.warehouse:
        ledger.transition(calls.warehouse, batch_id=batch, to=became)
    calls.drop("r.csv", table([GOOD | NO_PROMISE | {"contact_ref": "ref-x", "disposition": "deceased"}]))

    report = calls.read()

    assert (report.loaded_rows, report.rejected_rows) == (1, 0)
    assert query(calls.warehouse, "select batch_id, disposition from landing.vendor_result") == [(batch, "deceased")]
    told = query(
        calls.warehouse, "select detail from ops.delivery_event where batch_id = %s and detail ~ 'attempt'", batch
    )
    assert told == [(f"1 attempts were reported on a list that is {became}",)]
    assert state(calls.warehouse, batch) is became


def test_an_answer_may_be_faster_than_the_note_that_the_batch_is_up(calls: Vendor) -> None:
    batch = "phone-demo_call-20200415-02"
    send(calls.warehouse, batch, channel="phone", vendor="demo_call", refs=["ref-x"], state=BatchState.WRITTEN)
    with calls.warehouse:
        ledger.mark_sending(calls.warehouse, batch, PLANNED_AT)
    calls.drop("a.json", acknowledgement(batch, rows=1, accepted=1))

    calls.read()

    assert state(calls.warehouse, batch) is BatchState.ACKNOWLEDGED


def test_results_of_a_stop_file_are_refused(calls: Vendor) -> None:
    stop = "stop-demo_call-20200415-01"
    send(calls.warehouse, stop, channel="all", vendor="demo_call", kind="stop")
    calls.drop(f"{stop}.results-1.csv", table([GOOD]))

    assert "no results are expected" in calls.read().files[0].problems[0]


def test_a_refused_file_may_be_sent_again_and_is_judged_afresh(calls: Vendor) -> None:
    batch = "phone-demo_call-20200415-02"
    calls.drop("a.json", acknowledgement(batch, rows=1, accepted=1))
    assert calls.read().count("refused") == 1

    send(calls.warehouse, batch, channel="phone", vendor="demo_call", refs=["ref-x"])
    calls.drop("a.json", acknowledgement(batch, rows=1, accepted=1))

    assert calls.read().count("loaded") == 1
    assert [row[4] for row in snapshot(calls.warehouse)["files"]] == ["loaded"]


def test_a_byte_order_mark_windows_line_ends_and_another_order_of_columns_are_fine(calls: Vendor) -> None:
    columns = list(reversed(GOOD))
    calls.drop("r.csv", b"\xef\xbb\xbf" + table([GOOD], columns).replace("\n", "\r\n").encode())

    assert calls.read().loaded_rows == 1


def test_optional_columns_may_be_left_out(calls: Vendor) -> None:
    columns = ["contact_ref", "contact_point_ref", "attempted_at", "disposition"]
    row = {name: GOOD[name] for name in columns} | {"disposition": "busy"}
    calls.drop("r.csv", table([row], columns))

    assert calls.read().loaded_rows == 1


# Acknowledgements that do not agree -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"rows": 2, "accepted": 2}, "ack_row_count"),
        ({"sha256": "0" * 64}, "ack_hash"),
        ({"accepted": 0}, "ack_list_taken"),
    ],
    ids=["other rows", "other bytes", "nothing taken"],
)
def test_an_acknowledgement_that_does_not_agree_refuses_the_batch(
    calls: Vendor, changed: dict[str, object], rule: str
) -> None:
    calls.drop("a.json", acknowledgement(**changed))

    calls.read()

    assert state(calls.warehouse) is BatchState.REFUSED
    red = {row[3] for row in snapshot(calls.warehouse)["quality"] if not row[4]}
    assert rule in red
    [(reason,)] = query(calls.warehouse, "select refused_reason from ops.delivery_batch where batch_id = %s", CALLS)
    assert "not what was sent (3 rows)" in str(reason)


def test_a_later_acknowledgement_that_does_not_agree_is_noted_and_changes_nothing(calls: Vendor) -> None:
    calls.drop("a.json", acknowledgement())
    calls.read()
    calls.drop("b.json", acknowledgement(sha256="0" * 64))

    calls.read()

    assert state(calls.warehouse) is BatchState.ACKNOWLEDGED
    assert "not what was sent" in str(snapshot(calls.warehouse)["events"][-1][3])


def test_rows_that_the_vendor_will_not_work_are_over(calls: Vendor) -> None:
    calls.drop("a.json", acknowledgement(accepted=2, rejected=[{"contact_ref": "ref-b", "reason": "bad number"}]))

    calls.read()

    assert state(calls.warehouse) is BatchState.ACKNOWLEDGED
    assert query(
        calls.warehouse, "select contact_ref from ops.delivery_item where batch_id = %s and is_final", CALLS
    ) == [("ref-b",)]


# Reviews ----------------------------------------------------------------------------------------------------------

REVIEW = {
    "recording_ref": "rec-1",
    "collector_id": "SYN-demo_call-01",
    "reviewed_on": "2020-04-16",
    "score": "87.5",
    "breach_code": "",
    "reviewer": "qa-1",
}


def test_reviews_are_landed_once_and_bad_ones_set_aside(calls: Vendor) -> None:
    columns = [field.name for field in QA_FIELDS]
    bad = [REVIEW | {"score": "101"}, REVIEW | {"reviewed_on": "yesterday"}]
    calls.drop("qa-demo_call-20200415.csv", table([REVIEW, REVIEW, *bad], columns))
    calls.read()
    calls.drop("qa-demo_call-20200416.csv", table([REVIEW], columns))

    calls.read()

    assert query(
        calls.warehouse, "select recording_ref, reviewed_on, score, breach_code, reviewer from landing.vendor_qa"
    ) == [("rec-1", date(2020, 4, 16), Decimal("87.50"), None, "qa-1")]
    assert {row[1:4] for row in snapshot(calls.warehouse)["quarantine"]} == {
        (4, "OUT_OF_RANGE", "score"),
        (5, "NOT_A_DATE", "reviewed_on"),
    }


# Killed -----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process dies here."""


class Dying:
    """A session that dies at its n-th change, before or after it took effect."""

    def __init__(self, sftp: VendorSftp, at: int, *, after: bool) -> None:
        self._sftp, self._left, self._after = sftp, at, after

    def __getattr__(self, name: str) -> object:
        method = getattr(self._sftp, name)
        return self._counted(method) if name in ("put", "posix_rename", "mkdir") else method

    def _counted(self, method: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Killed
            result = method(*arguments)
            if self._left == 0:
                raise Killed
            return result

        return run


def drop_a_day(vendor: Vendor) -> None:
    vendor.drop("ack.json", acknowledgement())
    vendor.drop("bad.csv", b"nothing,that\nwe,know\n")
    vendor.drop("r.csv", table([GOOD, GOOD | {"contact_ref": "ref-b", "cost": "x"}]))


def test_killed_at_any_step_and_run_again_it_ends_the_same(calls: Vendor) -> None:
    drop_a_day(calls)
    calls.read()
    expected, done, refused = snapshot(calls.warehouse), calls.names("done"), calls.names("refused")
    steps = 0
    for after in (False, True):
        for at in range(1, 100):
            _forget(calls)
            drop_a_day(calls)
            with calls.session() as sftp:
                try:
                    dying = Dying(sftp, at, after=after)
                    read_inbound(calls.warehouse, dying, vendor="demo_call", settings=calls.settings, now=NOW)  # type: ignore[arg-type]
                    break
                except Killed:
                    steps += 1
            calls.read()
            assert snapshot(calls.warehouse) == expected, f"killed at change {at}, after it: {after}"
            assert (calls.names(), calls.names("done"), calls.names("refused")) == (set(), done, refused)
    assert steps >= 14


def test_killed_inside_the_transaction_nothing_of_the_file_stays(
    calls: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(calls.warehouse)
    drop_a_day(calls)
    with monkeypatch.context() as patch:
        patch.setattr("arrears.delivery.inbound_load._close_when_worked", _die)
        with pytest.raises(Killed):
            calls.read()
    calls.warehouse.rollback()
    assert snapshot(calls.warehouse) == before

    calls.read()

    assert state(calls.warehouse) is BatchState.ACKNOWLEDGED
    assert calls.names() == set()


def _die(*_: object) -> None:
    raise Killed


def _forget(vendor: Vendor) -> None:
    """Bring warehouse and directory back to before the first read."""
    with vendor.warehouse, vendor.warehouse.cursor() as cursor:
        for table_name in WRITTEN[:6]:
            cursor.execute(f"delete from {table_name}")
        cursor.execute("delete from ops.delivery_event where to_state not in ('planned', 'written', 'uploaded')")
        cursor.execute("update ops.delivery_item set is_final = false")
        cursor.execute("update ops.delivery_batch set state = 'uploaded', refused_reason = null")
    for path in vendor.inbound.rglob("*"):
        if path.is_file():
            path.unlink()


def test_a_broken_gate_leaves_the_file_where_it_is(calls: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise GateBrokenError("suite vendor_file.results could not be run")

    before = snapshot(calls.warehouse)
    calls.drop("r.csv", table([GOOD]))
    monkeypatch.setattr("arrears.delivery.inbound_load.check_frame", broken)

    with pytest.raises(GateBrokenError):
        calls.read()

    assert snapshot(calls.warehouse) == before
    assert calls.names() == {"r.csv"}


def test_without_dispositions_nothing_is_read(calls: Vendor) -> None:
    with calls.warehouse, calls.warehouse.cursor() as cursor:
        cursor.execute("truncate staging.dispositions")
    calls.drop("r.csv", table([GOOD]))

    with pytest.raises(ConfigurationError, match="dispositions is empty"):
        calls.read()

    assert calls.names() == {"r.csv"}


# Discretion ---------------------------------------------------------------------------------------------------------


def test_no_value_of_a_row_reaches_log_ledger_or_reason(calls: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    secret = "Zhang-San-13800000000"
    caplog.set_level(logging.INFO)
    calls.drop("r.csv", table([GOOD | {"note": f"={secret}"}, GOOD | {"contact_ref": "ref-b", "note": secret}]))
    calls.drop("z.csv", table([GOOD | {"note": secret}]) + f'"{secret}')
    calls.drop("y.csv", f"{secret},{secret}\n1,2\n")
    calls.drop(f"{secret} (private).csv", table([GOOD]))
    calls.drop("x.json", acknowledgement(accepted=2, rejected=[{"contact_ref": "ref-z", "reason": secret}]))

    report = calls.read()

    visible = snapshot(calls.warehouse)
    visible.pop("quarantine")
    told = [path.read_text() for path in calls.inbound.rglob("*.reason.json")]
    assert len(told) == 5
    for text in (caplog.text, str(report), repr(report), str(visible), *told):
        assert secret not in text


def test_a_result_file_of_many_rows_is_read_in_parts(calls: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arrears.delivery.inbound.Table.chunks", _small_chunks())
    rows = [
        GOOD
        | NO_PROMISE
        | {"contact_ref": REFS[n % 3], "attempted_at": f"2020-04-15T10:{n:02d}:00+08:00", "disposition": "busy"}
        for n in range(50)
    ]
    rows[40]["cost"] = "x"
    calls.drop("r.csv", table(rows))

    report = calls.read()

    assert (report.loaded_rows, report.rejected_rows) == (49, 1)
    assert [row[1] for row in snapshot(calls.warehouse)["quarantine"]] == [42]


def _small_chunks() -> Callable[..., object]:
    from arrears.delivery.inbound import Table

    whole = Table.chunks
    return lambda self, rows=7: whole(self, rows)


def test_the_columns_of_this_test_are_those_of_the_contract() -> None:
    assert list(GOOD) == [field.name for field in RESULT_FIELDS]


def test_the_gate_has_a_page_without_values(calls: Vendor, tmp_path: Path) -> None:
    calls.drop("r.csv", table([GOOD | {"note": "=secret"}]))
    with calls.session() as sftp:
        read_inbound(calls.warehouse, sftp, vendor="demo_call", settings=calls.settings, docs_dir=tmp_path, now=NOW)

    pages = [path.read_text() for path in tmp_path.rglob("*.html")]
    assert pages
    assert all("=secret" not in page for page in pages)
    assert query(calls.warehouse, "select count(*) from ops.quality_results where docs_path is null") == [(0,)]

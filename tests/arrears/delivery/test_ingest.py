"""What vendors send, read over real SFTP into a real warehouse: every kind of damage, any order, twice, and killed."""

import gzip
import hashlib
import io
import json
import logging
import os
import resource
import socket
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from vendor_inbox import (
    AS_OF,
    CALLS,
    GOOD,
    MESSAGES,
    NO_PROMISE,
    NOW,
    PLANNED_AT,
    REFS,
    REVIEW,
    WRITTEN,
    MemoryInbox,
    Warehouse,
    acknowledgement,
    ingest_database,
    open_bank,
    query,
    send,
    table,
)
from vendor_servers import server_of

from arrears.delivery import ledger
from arrears.delivery.inbound_load import load
from arrears.delivery.ingest import IngestReport, is_all_shown, newest_rows, note_shown, read_inbound
from arrears.domain.batch_state import BatchState
from arrears.domain.vendor_results import QA_FIELDS, RESULT_FIELDS
from arrears.errors import ConfigurationError, GateBrokenError
from arrears.hooks.vendor_sftp import VendorConnectionError, VendorSftp
from arrears.services import sftp as sftp_service
from arrears.services.sftp import SftpService
from arrears.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]


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
    with ingest_database(server, "warehouse_ingest") as settings:
        yield settings


@pytest.fixture
def bank(database: Settings) -> Iterator[Warehouse]:
    with open_bank(database) as warehouse:
        yield warehouse


class Vendor:
    """One vendor's side of the server, and the bank's session with it."""

    def __init__(self, service: SftpService, warehouse: Warehouse, settings: Settings, name: str = "demo_call") -> None:
        self.name = name
        self.warehouse = warehouse
        self.settings = settings
        self.home = service.settings
        self.inbound = sftp_service.vendor_directory(service.settings, name) / "inbound"

    def session(self) -> VendorSftp:
        return VendorSftp(server_of(self.home, self.name))

    def drop(self, name: str, content: bytes | str) -> None:
        (self.inbound / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, now: datetime = NOW, **how: bool) -> IngestReport:
        with self.session() as sftp:
            return read_inbound(self.warehouse, sftp, vendor=self.name, settings=self.settings, now=now, **how)

    def names(self, directory: str = "") -> set[str]:
        """Of what lies in `inbound/` itself also what a pass began with, by the names that it came with."""
        names = {path.name for path in (self.inbound / directory).glob("*") if path.is_file()}
        return names if directory else names | {name.partition("-")[2] for name in self.names("reading")}

    def reason(self, directory: str, name: str) -> dict[str, object]:
        document: dict[str, object] = json.loads((self.inbound / directory / f"{name}.reason.json").read_text())
        return document


@pytest.fixture
def calls(service: SftpService, bank: Warehouse, database: Settings) -> Vendor:
    return Vendor(service, bank, database)


@pytest.fixture
def messages(service: SftpService, bank: Warehouse, database: Settings) -> Vendor:
    return Vendor(service, bank, database, "demo_sms")


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


def test_whoever_waits_for_an_acknowledgement_leaves_the_rest_where_it_is(calls: Vendor) -> None:
    for name, content in {"a.ack": acknowledgement(), "b.csv": table([GOOD]), "c": "damaged", "d.qa": ""}.items():
        calls.drop(name, content)

    report = calls.read(acks_only=True)

    assert [(file.file_name, file.kind) for file in report.files] == [("a.ack", "ack")]
    assert state(calls.warehouse) is BatchState.ACKNOWLEDGED
    assert calls.names() == {"b.csv", "c", "d.qa"}
    assert calls.read().count("loaded") == 1


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

    assert (report.files[0].rows, report.files[0].repeated, report.loaded_rows, report.rejected_rows) == (3, 2, 1, 0)
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
    "a visit on the telephone": (NO_PROMISE | {"disposition": "met_customer"}, "OTHER_CHANNEL", "disposition"),
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
    "a formula in full width": ({"note": "＝1+1"}, "UNSAFE_TEXT", "note"),
    "a terminal's command": ({"note": "\x9b2J"}, "UNSAFE_TEXT", "note"),
    "a year of a spreadsheet": ({"attempted_at": "1900-01-01T10:02:00+08:00"}, "OUT_OF_RANGE", "attempted_at"),
    "a promise for another century": ({"promise_on": "2220-04-20"}, "OUT_OF_RANGE", "promise_on"),
    "a promise for in two years": ({"promise_on": "2022-04-20"}, "PROMISE_TOO_FAR", "promise_on"),
    "another vendor's collector": ({"collector_id": "SYN-demo_visit-01"}, "FOREIGN_COLLECTOR", "collector_id"),
}


@pytest.fixture
def collectors(bank: Warehouse) -> None:
    """The bank's table of collectors, as far as the ingest looks at it."""
    with bank, bank.cursor() as cursor:
        cursor.execute("create table staging.stg_core_banking__collectors (collector_id text, vendor text)")
        cursor.execute(
            "insert into staging.stg_core_banking__collectors"
            " values ('SYN-demo_call-01', 'demo_call'), ('SYN-demo_visit-01', 'demo_visit')"
        )


def test_each_damaged_row_is_set_aside_and_the_rest_of_its_file_goes_on(calls: Vendor, collectors: None) -> None:
    names = {f"row-{number:02d}.csv": damage for number, damage in enumerate(DAMAGED_ROWS)}
    for number, (name, damage) in enumerate(names.items()):
        sound = GOOD | {"contact_ref": "ref-c", "attempted_at": f"2020-04-15T11:00:{number:02d}+08:00"}
        calls.drop(name, table([GOOD | {"contact_ref": "ref-b"} | DAMAGED_ROWS[damage][0], sound]))

    report = calls.read()

    assert {file.file_name: (file.state, file.rows, file.rejected) for file in report.files} == dict.fromkeys(
        names, ("loaded", 2, 1)
    )
    for name, damage in names.items():
        _, code, field = DAMAGED_ROWS[damage]
        sha256 = hashlib.sha256((calls.inbound / "done" / name).read_bytes()).hexdigest()
        assert _landed(calls.warehouse, sha256) == [("ref-c", 3)], damage
        [(line, reason, column, text)] = query(
            calls.warehouse,
            "select line_number, reason_code, field_name, row_text from quarantine.vendor_result"
            " where file_sha256 = %s",
            sha256,
        )
        assert (line, reason, column) == (2, code, field), damage
        assert "SYN-demo_call-01" in str(text) or field == "collector_id"
        told = calls.reason("done", name)["rows_set_aside"]
        assert isinstance(told, list)
        assert [(row["line"], row["code"], row["field"]) for row in told] == [(2, code, field)], damage
        red = query(
            calls.warehouse,
            "select rule_id from ops.quality_results where reference = %s and not success and severity = 'reject'",
            sha256,
        )
        assert red, damage


def _landed(warehouse: Warehouse, sha256: str) -> list[tuple[object, ...]]:
    return query(
        warehouse,
        "select contact_ref, _line_number from landing.vendor_result where _file_sha256 = %s order by 2",
        sha256,
    )


def test_amounts_have_no_more_decimals_than_their_currency(bank: Warehouse, calls: Vendor) -> None:
    with bank, bank.cursor() as cursor:
        cursor.execute("update ops.delivery_item set currency = 'JPY' where contact_ref in ('ref-a', 'ref-b')")
    yen = GOOD | {"currency": "JPY"}
    calls.drop("r.csv", table([yen | {"promise_amount": "120.00"}, yen | {"contact_ref": "ref-b"}]))

    calls.read()

    assert [row[1:4] for row in snapshot(calls.warehouse)["quarantine"]] == [(3, "TOO_MANY_DECIMALS", "promise_amount")]


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


def test_a_message_needs_no_number_and_is_sent_by_nobody(messages: Vendor) -> None:
    message = GOOD | NO_PROMISE | {"contact_point_ref": "", "disposition": "delivered"}
    messages.drop("r.csv", table([message | {"collector_id": ""}, message | {"contact_ref": "ref-b"}]))

    assert messages.read().loaded_rows == 1
    assert [row[1:4] for row in snapshot(messages.warehouse)["quarantine"]] == [
        (3, "NO_COLLECTOR_HERE", "collector_id")
    ]


def test_a_list_of_a_past_day_can_be_worked_from_the_beginning_of_that_day(calls: Vendor) -> None:
    with calls.warehouse, calls.warehouse.cursor() as cursor:
        cursor.execute(
            "update ops.delivery_batch set planned_at = '2026-11-24T08:00:00Z', sending_since = '2026-11-24T08:01:00Z'"
            " where batch_id = %s",
            (CALLS,),
        )
    early = GOOD | {"contact_ref": "ref-b", "attempted_at": "2020-04-14T23:59:59+08:00"}
    calls.drop("r.csv", table([GOOD | {"attempted_at": "2020-04-15T00:00:01+08:00"}, early]))

    calls.read()

    assert [row[1:3] for row in snapshot(calls.warehouse)["quarantine"]] == [(3, "BEFORE_LIST")]


def test_no_attempt_can_lie_between_the_making_of_a_list_and_its_sending(calls: Vendor) -> None:
    with calls.warehouse, calls.warehouse.cursor() as cursor:
        cursor.execute(
            "update ops.delivery_batch set sending_since = '2020-04-15T10:02:00+08:00' where batch_id = %s", (CALLS,)
        )
    calls.drop("r.csv", table([GOOD, GOOD | {"attempted_at": "2020-04-15T10:01:59+08:00"}]))

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


def test_an_attempt_after_its_recall_is_landed_and_recorded_as_a_breach(calls: Vendor) -> None:
    recall = "recall-demo_call-20200415-01"
    send(calls.warehouse, recall, channel="all", vendor="demo_call", kind="recall", refs=["ref-b"])
    # Its manifest was there at 11:00 of the day, though a first try began before: nobody could heed it until then.
    with calls.warehouse, calls.warehouse.cursor() as cursor:
        cursor.execute(
            "update ops.delivery_event set happened_at = '2020-04-15T11:00:00+08:00'"
            " where batch_id = %s and to_state = 'uploaded'",
            (recall,),
        )
    later = GOOD | NO_PROMISE | {"disposition": "busy", "attempted_at": "2020-04-15T11:00:01+08:00"}
    in_time = later | {"contact_ref": "ref-b", "attempted_at": "2020-04-15T11:00:00+08:00"}
    calls.drop("r.csv", table([later, in_time, later | {"contact_ref": "ref-b"}]))

    report = calls.read()

    assert (report.loaded_rows, report.rejected_rows) == (3, 0)
    assert query(
        calls.warehouse,
        "select severity, failed_rows from ops.quality_results where rule_id = 'result_attempt_before_recall'"
        " and not success",
    ) == [("warn", 1)]
    assert query(
        calls.warehouse, "select batch_id from ops.delivery_event where detail ~ 'breach: 1 .*recalled.*lines 4'"
    ) == [(CALLS,)]


def test_an_attempt_after_the_recall_of_a_day_that_is_run_again_is_a_breach_too(calls: Vendor) -> None:
    recall = "recall-demo_call-20200415-01"
    send(calls.warehouse, recall, channel="all", vendor="demo_call", kind="recall", refs=["ref-a"])
    with calls.warehouse, calls.warehouse.cursor() as cursor:
        cursor.execute(
            "update ops.delivery_batch set sending_since = '2020-04-15T10:02:00+08:00' where batch_id = %s", (recall,)
        )
    calls.drop("r.csv", table([GOOD, GOOD | {"attempted_at": "2020-04-15T10:02:01+08:00"}]))

    calls.read()

    assert query(
        calls.warehouse, "select batch_id from ops.delivery_event where detail ~ 'breach: 1 .*recalled.*lines 3'"
    ) == [(CALLS,)]


def test_results_that_come_days_late_and_out_of_order_are_loaded(calls: Vendor) -> None:
    late = GOOD | NO_PROMISE | {"disposition": "busy"}
    calls.drop("2.csv", table([late | {"attempted_at": "2020-04-15T16:00:00+08:00"}]))
    assert calls.read(now=datetime(2020, 4, 25, tzinfo=UTC)).loaded_rows == 1
    calls.drop("1.csv", table([late]))

    assert calls.read(now=datetime(2020, 4, 28, tzinfo=UTC)).loaded_rows == 1


# Files refused whole ----------------------------------------------------------------------------------------------


def _zip_bomb() -> bytes:
    """Ten million zeros in ten thousand bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("results.csv", "0" * 10_000_000)
    return buffer.getvalue()


def _rejecting(*refs: str, reason: str = "no") -> str:
    rejected = [{"contact_ref": ref, "reason": reason} for ref in refs]
    return acknowledgement(accepted=len(REFS) - len(refs), rejected=rejected)


DAMAGED_FILES: dict[str, tuple[str, bytes, str]] = {
    "empty": (".csv", b"", "the file is empty"),
    "blank lines only": (".csv", b"\n\n \n", "the file is empty"),
    "semicolons": (".csv", table([GOOD]).replace(",", ";").encode(), "separated by semicolons, expected commas"),
    "tabs": (".csv", table([GOOD]).replace(",", "\t").encode(), "separated by tabs, expected commas"),
    "UTF-16": (".csv", table([GOOD]).encode("utf-16"), "not UTF-8"),
    "GBK": (".csv", table([GOOD | {"note": "下周付款"}]).encode("gbk"), "line 2: the file is not UTF-8"),
    "an unknown column": (
        ".csv",
        table([GOOD]).replace("talk_seconds", "talk_second", 1).encode(),
        "line 1: column 7 is unknown, did you mean talk_seconds?",
    ),
    "a column twice": (".csv", table([GOOD]).replace("note", "cost", 1).encode(), "column cost appears twice"),
    "a missing column": (
        ".csv",
        table([{"contact_ref": "ref-a", "disposition": "busy"}], ["contact_ref", "disposition"]).encode(),
        "required column attempted_at is missing",
    ),
    "no header": (".csv", table([GOOD]).split("\n", 1)[1].encode(), "required column contact_ref is missing"),
    "an open quote": (".csv", table([GOOD]).encode() + b'"ref-b,phone', "not readable as CSV"),
    "a spreadsheet": (".csv", b"PK\x03\x04\x14\x00\x08\x08\x08\x00\xa1\xb2\xc3", "an Excel workbook"),
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
    "only foreign references": (".csv", table([GOOD | {"contact_ref": "ref-z"}]).encode(), "is not known"),
    "a name with blanks": ("results of Mr Smith.csv", table([GOOD]).encode(), "the file's name may hold"),
    "broken JSON": (".json", acknowledgement().encode()[:-1], "at line 1 column"),
    "JSON of another kind": (".json", b'{"hello": "world"}', "batch_id: Field required"),
    "a batch that is a path": (".json", acknowledgement("../../etc/passwd").encode(), "batch_id: "),
    "an acknowledgement of another's batch": (".json", acknowledgement(MESSAGES).encode(), "was not sent to you"),
    "no offset in an acknowledgement": (
        ".json",
        acknowledgement(received_at="2020-04-15T06:01:00").encode(),
        "received_at: Value error, the instant has no offset",
    ),
    "a hash that is none": (".json", acknowledgement(sha256="abc").encode(), "sha256: String should match pattern"),
    "figures that do not add up": (".json", acknowledgement(accepted=2).encode(), "do not add up to rows (3)"),
    "rejecting what was not sent": (
        ".json",
        acknowledgement(accepted=2, rejected=[{"contact_ref": "ref-z", "reason": "no"}]).encode(),
        "1 of the rejected contact_refs are not of batch",
    ),
    "deep JSON": (".json", b'{"a":' * 100_000, "nested too deeply"),
    "a mark and nothing else": (".csv", b"\xef\xbb\xbf", "the file is empty"),
    "UTF-16 without a mark": (".csv", table([GOOD]).encode("utf-16-le"), "line 1: a zero byte"),
    "a zero byte": (".csv", table([GOOD | {"note": "a\0"}]).encode(), "line 2: a zero byte"),
    "a zip bomb": (".csv", _zip_bomb(), "a zip archive or an Excel workbook"),
    "compressed": (".csv", gzip.compress(table([GOOD]).encode()), "compressed (gzip)"),
    "encrypted": (".csv", b"-----BEGIN PGP MESSAGE-----\n", "an OpenPGP message"),
    "a page of an error": (".csv", b"<!DOCTYPE html><html></html>", "HTML or XML"),
    "a spreadsheet's hint": (".csv", b"sep=,\n" + table([GOOD]).encode(), "line 1: column 1 is unknown"),
    "ten thousand columns": (".csv", b"a," * 10_000 + b"\n", "column 20 is unknown"),
    "an endless row": (".csv", table([GOOD | {"note": "x" * 70_000}]).encode(), "longer than 65,536 characters"),
    "an open quote early on": (
        ".csv",
        table([GOOD]).encode() + b'"' + b"a,b\n" * 20_000,
        "line 3: not readable as CSV (the row is longer",
    ),
    "nothing but bad rows": (
        ".csv",
        table([GOOD]).encode() + b"x\n" * 100_001,
        "more than 100,000 problems up to here",
    ),
    "bars": (".csv", table([GOOD]).replace(",", "|").encode(), "separated by bars, expected commas"),
    "a list of acknowledgements": (".json", f"[{acknowledgement()}]".encode(), "should be an object"),
    "a count as text": (".json", acknowledgement(rows="3").encode(), "rows: Input should be a valid integer"),
    "a count beyond all lists": (".json", acknowledgement(rows=10**40).encode(), "rows: "),
    "an instant as a number": (".json", acknowledgement(received_at=1586902860).encode(), "received_at: "),
    "an instant as a number in text": (".json", acknowledgement(received_at="1586902860").encode(), "received_at: "),
    "an instant of another age": (
        ".json",
        acknowledgement(received_at="0001-01-01T00:00:00+14:00").encode(),
        "received_at: ",
    ),
    "half a character": (".json", _rejecting("ref-a", reason="\ud800").encode(), "Invalid JSON"),
    "a zero in a reason": (".json", _rejecting("ref-a", reason="a\0").encode(), "rejected.0.reason: "),
    "a formula for a reason": (".json", _rejecting("ref-a", reason="=1+1").encode(), "rejected.0.reason: "),
    "a row rejected twice": (".json", _rejecting("ref-a", "ref-a").encode(), "rejected twice"),
    "an acknowledgement of megabytes": (".json", acknowledgement().encode() + b" " * 5_000_000, "at most 5000000"),
    "Latin-1 in an acknowledgement": (
        ".json",
        _rejecting("ref-a", reason="Zo\xeb").replace("\\u00eb", "\xeb").encode("latin-1"),
        "line 1: the file is not UTF-8",
    ),
    "a name that is a path": (
        "..\\..\\etc\\passwd.csv",
        table([GOOD | {"satisfaction": "1"}]).encode(),
        "the file's name may hold",
    ),
    "a name that is a formula": (
        "=cmd|calc.csv",
        table([GOOD | {"satisfaction": "2"}]).encode(),
        "the file's name may hold",
    ),
    "a name of two lines": ("a\nb.csv", table([GOOD | {"satisfaction": "3"}]).encode(), "the file's name may hold"),
    "a name without end": (
        "n" * 200 + ".csv",
        table([GOOD | {"satisfaction": "5"}]).encode(),
        "the file's name may hold",
    ),
}


def test_each_damaged_file_is_refused_whole_with_words_that_help_and_stops_no_other(calls: Vendor) -> None:
    names = {
        f"file-{number:02d}{name}" if name in (".csv", ".json") else name: damage
        for number, (damage, (name, _, _)) in enumerate(DAMAGED_FILES.items())
    }
    assert len(names) == len(DAMAGED_FILES)
    for name, damage in names.items():
        calls.drop(name, DAMAGED_FILES[damage][1])
    before = snapshot(calls.warehouse)
    calls.drop("zz-sound.csv", table([GOOD]))
    calls.drop("00-sound.json", acknowledgement())

    report = calls.read()

    outcomes = {file.file_name: file for file in report.files}
    assert outcomes.pop("zz-sound.csv").state == outcomes.pop("00-sound.json").state == "loaded"
    assert len(outcomes) == len(DAMAGED_FILES)
    for name, damage in names.items():
        _, content, problem = DAMAGED_FILES[damage]
        label = name if name in outcomes else f"unnamed-{hashlib.sha256(content).hexdigest()[:12]}"
        outcome = outcomes[label]
        assert outcome.state == "refused", damage
        assert problem in "; ".join(outcome.problems), damage
        told = calls.reason("refused", label)
        assert told["problems"] == list(outcome.problems), damage
        assert (calls.inbound / "refused" / label).read_bytes() == content, damage
    assert calls.names() == set()
    after = snapshot(calls.warehouse)
    assert after["quarantine"] == before["quarantine"]
    assert [row[2] for row in after["results"]] == [2]
    assert state(calls.warehouse) is BatchState.ACKNOWLEDGED


def test_a_file_of_two_gigabytes_is_refused_unread(calls: Vendor) -> None:
    with (calls.inbound / "r.csv").open("wb") as file:
        file.truncate(2 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    report = calls.read()

    assert [file.state for file in report.files] == ["refused"]
    assert "the file has 2147483648 bytes, at most 50000000 are read" in report.files[0].problems[0]
    assert calls.names("refused") == {"r.csv", "r.csv.reason.json"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


class Stubborn(MemoryInbox):
    """A server that lists what it likes, and gives some files only up to a point."""

    def __init__(self, files: Mapping[str, bytes], *, broken: str = "", is_gone: bool = False) -> None:
        super().__init__(files)
        self.broken, self.is_gone = broken, is_gone
        self.is_broken = False

    def list(self, path: str) -> list[str]:
        if self.is_gone and self.is_broken:
            raise VendorConnectionError("the line is dead")
        return [name.removeprefix(f"{path}/") for name in sorted(self.files) if name.startswith(f"{path}/")]

    def read(self, path: str) -> Iterator[bytes]:
        if self.broken and path.endswith(self.broken):
            self.is_broken = True
            raise VendorConnectionError("could not read it")
        return super().read(path)


def test_a_file_that_cannot_be_read_keeps_no_other_waiting(calls: Vendor) -> None:
    inbox = Stubborn({"a.csv": b"x", "b.csv": table([GOOD]).encode()}, broken="a.csv")

    report = read_inbound(calls.warehouse, inbox, vendor="demo_call", settings=calls.settings, now=NOW)

    assert [str(error) for error in report.errors] == ["could not read it"]
    assert report.loaded_rows == 1
    assert [path.partition("-")[2] for path in inbox.files if "/reading/" in path] == ["a.csv"]


def test_when_the_server_is_gone_the_rest_is_left_for_later(calls: Vendor) -> None:
    inbox = Stubborn({"a.csv": b"x", "b.csv": table([GOOD]).encode()}, broken="a.csv", is_gone=True)

    with pytest.raises(VendorConnectionError, match="could not read it"):
        read_inbound(calls.warehouse, inbox, vendor="demo_call", settings=calls.settings, now=NOW)

    assert "/inbound/b.csv" in inbox.files


def test_a_server_that_lists_a_path_for_a_name_is_not_followed(calls: Vendor) -> None:
    inbox = Stubborn({"../../demo_visit/inbound/r.csv": table([GOOD]).encode(), "r.csv": table([GOOD]).encode()})

    report = read_inbound(calls.warehouse, inbox, vendor="demo_call", settings=calls.settings, now=NOW)

    [error] = report.errors
    assert "a path out of inbound/" in str(error)
    assert "/inbound/../../demo_visit/inbound/r.csv" in inbox.files
    assert "/inbound/done/r.csv" in inbox.files


def test_a_name_that_is_not_utf8_is_refused_and_keeps_no_other_waiting(calls: Vendor) -> None:
    content = table([GOOD | {"satisfaction": "3"}])
    Path(os.fsdecode(os.fsencode(calls.inbound) + b"/r\xe9.results-1.csv")).write_text(content)
    calls.drop("r.csv", table([GOOD]))

    report = calls.read()

    refused = f"unnamed-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    assert {file.file_name: file.state for file in report.files} == {"r.csv": "loaded", refused: "refused"}
    assert report.errors == ()
    assert calls.names("refused") == {refused, f"{refused}.reason.json"}
    assert calls.names() == set()


def test_a_fault_of_ours_leaves_the_file_and_tells_no_value_of_it(
    calls: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object) -> None:
        raise ValueError("will pay after payday")

    calls.drop("a.csv", table([GOOD]))
    calls.drop("b.json", acknowledgement())
    monkeypatch.setattr("arrears.delivery.inbound_load._load_results", faulty)

    [error] = calls.read().errors

    assert "ValueError in faulty" in str(error)
    assert "payday" not in str(error)
    assert calls.names() == {"a.csv"}
    assert state(calls.warehouse) is BatchState.ACKNOWLEDGED


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


def test_rows_of_a_refused_file_are_counted_where_its_name_says_whose_they_are(calls: Vendor) -> None:
    damaged = table([GOOD, GOOD]).replace(",", ";")
    for name in (f"{CALLS}.results-1.csv", f"{MESSAGES}.results-1.csv", "mine.csv"):
        calls.drop(name, damaged)

    files = {file.file_name: (file.state, file.batch_id, file.rows) for file in calls.read().files}

    unknown = ("refused", None, 0)
    assert files == {
        f"{CALLS}.results-1.csv": ("refused", CALLS, 2),
        f"{MESSAGES}.results-1.csv": unknown,  # another vendor's
        "mine.csv": unknown,
    }


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


def test_a_batch_that_nobody_acknowledges_in_time_is_told_once(calls: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    calls.read(now=datetime.now(UTC) + timedelta(minutes=59))
    assert "no acknowledgement" not in caplog.text
    late = datetime.now(UTC) + timedelta(minutes=61)

    calls.read(now=late)
    calls.read(now=late)

    assert caplog.text.count(f"ALERT {CALLS}: no acknowledgement within 60 minutes") == 1
    assert "no acknowledgement" in str(snapshot(calls.warehouse)["events"][-1])
    assert state(calls.warehouse) is BatchState.UPLOADED


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


def test_a_file_that_takes_the_place_of_one_that_is_being_read_is_read_itself(
    calls: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced(*arguments: Any) -> object:
        if not report:
            calls.drop("r.csv", table([GOOD | {"contact_ref": "ref-b"}]))
        return load(*arguments)

    report = None
    monkeypatch.setattr("arrears.delivery.ingest.load", replaced)
    calls.drop("r.csv", table([GOOD]))

    report = calls.read()
    assert report.loaded_rows == 1
    assert calls.names() == {"r.csv"}

    assert calls.read().loaded_rows == 1
    assert len(calls.names("done")) == 2


def test_the_marts_are_to_be_built_again_until_they_show_every_result_and_review(calls: Vendor) -> None:
    def show() -> None:
        note_shown(calls.warehouse, build_id, newest_rows(calls.warehouse))

    [(build_id,)] = query(
        calls.warehouse,
        "insert into ops.mart_build (as_of, generation, known_at, state) values (%s, 1, now(), 'passed')"
        " returning build_id",
        AS_OF,
    )
    show()
    assert is_all_shown(calls.warehouse)
    for content in (table([GOOD]), table([REVIEW], [field.name for field in QA_FIELDS])):
        calls.drop("r.csv", content)
        calls.read()
        assert not is_all_shown(calls.warehouse)
        show()
        assert is_all_shown(calls.warehouse)
    calls.drop("again.csv", table([GOOD]))
    calls.read()
    assert is_all_shown(calls.warehouse)


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

    [error] = calls.read().errors

    assert isinstance(error, GateBrokenError)
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
    secret, said = "Zhang-San-13800000000", "Zhang San lost his job"
    caplog.set_level(logging.INFO)
    calls.drop("r.csv", table([GOOD | {"note": f"={secret}"}, GOOD | {"contact_ref": "ref-b", "note": secret}]))
    calls.drop("z.csv", table([GOOD | {"note": secret}]) + f'"{secret}')
    calls.drop("y.csv", f"{secret},{secret}\n1,2\n")
    calls.drop("w.csv", f"ref-a,phone,{said}\n")
    calls.drop(f"{secret} (private).csv", table([GOOD]))
    calls.drop("x.json", acknowledgement(accepted=2, rejected=[{"contact_ref": "ref-z", "reason": secret}]))

    report = calls.read()

    visible = snapshot(calls.warehouse)
    visible.pop("quarantine")
    told = [path.read_text() for path in calls.inbound.rglob("*.reason.json")]
    assert len(told) == 6
    for text in (caplog.text, str(report), repr(report), str(visible), *told):
        assert secret not in text
        assert said not in text


def test_a_result_file_of_many_rows_is_read_in_parts(calls: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arrears.delivery.inbound_load.CHUNK_ROWS", 7)
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

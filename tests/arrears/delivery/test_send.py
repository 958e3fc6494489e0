"""Delivery over a real SFTP server: once, complete or absent, whatever dies in between."""

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
from delivery_day import AS_OF, Day

from arrears.delivery import ledger, list_gate
from arrears.delivery import send as send_module
from arrears.delivery.lists import gate_batch, plan_batches, write_batch
from arrears.delivery.recall import plan_recalls
from arrears.delivery.send import deliver, withdraw_expired
from arrears.domain.batch_state import BatchState
from arrears.errors import DeliveryError
from arrears.hooks.vendor_sftp import VendorConnectionError, VendorSftp
from arrears.quality.suites import RuleResult, Severity

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]
Connect = Callable[[str], VendorSftp]
VendorFiles = Callable[[str], Path]
SMS_BATCH = "sms-demo_sms-20200415-01"


@pytest.fixture(autouse=True)
def green_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate itself is proved in test_lists; here it only has to let pass."""
    green = RuleResult("all", "NONE", Severity.ABORT, True, 1, 0, "green", "green")
    monkeypatch.setattr(list_gate, "check", lambda *arguments, **options: [green])


def send(day: Day, sftp: VendorSftp, vendor: str = "demo_sms", *, hour: int = 8) -> str:
    """The whole way of a vendor's list, as the DAG goes it; returns the state."""
    (plan,) = plan_batches(day.warehouse, as_of=day.as_of, settings=day.settings, vendor=vendor)
    write_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
    gate_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
    return deliver(day.warehouse, sftp, batch_id=plan.batch_id, settings=day.settings, now=day.at(hour))


def outbound(files: VendorFiles, vendor: str = "demo_sms") -> dict[str, bytes]:
    directory = files(vendor) / "outbound" / "20200415"
    return {path.name: path.read_bytes() for path in directory.glob("*")} if directory.exists() else {}


def assert_delivered_once(day: Day, files: VendorFiles, batch_id: str = SMS_BATCH) -> None:
    """Exactly one manifest, every file that it names with its bytes, nothing else, and the ledger says so."""
    stored = {
        name: bytes(content)
        for name, content in day.run("select name, content from ops.delivery_file where batch_id = %s", batch_id)
    }
    assert outbound(files) == stored
    manifest = json.loads(stored[f"{batch_id}.manifest.json"])
    assert [(f["name"], f["sha256"]) for f in manifest["files"]] == [
        (name, hashlib.sha256(content).hexdigest()) for name, content in stored.items() if "manifest" not in name
    ]
    assert day.state(batch_id) == "uploaded"
    assert day.run("select count(*) from ops.delivery_event where to_state = 'uploaded'") == [(1,)]


def test_a_list_reaches_its_vendor(day: Day, connect: Connect, vendor_files: VendorFiles) -> None:
    day.contact("sms", "C1")

    with connect("demo_sms") as sftp:
        assert send(day, sftp) is BatchState.UPLOADED

    assert set(outbound(vendor_files)) == {f"{SMS_BATCH}.csv", f"{SMS_BATCH}.manifest.json"}
    assert_delivered_once(day, vendor_files)
    assert day.run("select acknowledge_by from ops.delivery_batch where state = 'uploaded'") == [(day.at(9),)]


def test_delivering_again_touches_nothing(day: Day, connect: Connect, vendor_files: VendorFiles) -> None:
    day.contact("sms", "C1")
    with connect("demo_sms") as sftp:
        send(day, sftp)
        before = {path: path.stat().st_mtime_ns for path in vendor_files("demo_sms").rglob("*.*")}
        assert send(day, sftp, hour=9) is BatchState.UPLOADED

    assert {path: path.stat().st_mtime_ns for path in vendor_files("demo_sms").rglob("*.*")} == before
    assert_delivered_once(day, vendor_files)


def test_an_empty_list_is_a_header_and_a_manifest_with_no_rows(
    day: Day, connect: Connect, vendor_files: VendorFiles
) -> None:
    with connect("demo_sms") as sftp:
        send(day, sftp)

    assert_delivered_once(day, vendor_files)
    files = outbound(vendor_files)
    assert files[f"{SMS_BATCH}.csv"].count(b"\n") == 1
    assert json.loads(files[f"{SMS_BATCH}.manifest.json"])["files"][0]["rows"] == 0


# Killed -------------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process dies: nothing that catches errors may catch this."""


def killed_before_it_notes_the_upload(day: Day, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest is up, and the ledger does not know. (tests/faults kills at every step, and real processes.)"""
    with (
        monkeypatch.context() as patch,
        closing(psycopg2.connect(day.settings.dsn("warehouse", "pipeline"))) as warehouse,
        connect("demo_sms") as sftp,
        pytest.raises(Killed),
    ):
        patch.setattr(ledger, "set_acknowledge_by", _raise)
        send(replace(day, warehouse=warehouse), sftp)


def test_killed_while_the_decisions_change_the_vendor_still_has_one_manifest(
    day: Day, connect: Connect, vendor_files: VendorFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new plan is made from other decisions before the batch is delivered again."""
    day.contact("sms", "C1")
    killed_before_it_notes_the_upload(day, connect, monkeypatch)
    day.contact("sms", "C2")

    with connect("demo_sms") as sftp:
        send(day, sftp)

    assert_delivered_once(day, vendor_files)
    assert day.run("select count(*) from ops.delivery_batch") == [(1,)]


# What else goes wrong -------------------------------------------------------------------------------------------------


def prepared(day: Day, vendor: str = "demo_sms") -> str:
    (plan,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor=vendor)
    write_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
    gate_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
    return plan.batch_id


def test_what_has_not_passed_its_gate_does_not_leave(day: Day, connect: Connect, vendor_files: VendorFiles) -> None:
    (plan,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor="demo_sms")
    with connect("demo_sms") as sftp:
        for expected in ("expected it written", "has not passed its gate"):
            with pytest.raises(DeliveryError, match=expected):
                deliver(day.warehouse, sftp, batch_id=plan.batch_id, settings=day.settings, now=day.at(8))
            write_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)

    assert outbound(vendor_files) == {}


def test_a_list_whose_time_is_over_expires_and_takes_back_its_files(
    day: Day, connect: Connect, vendor_files: VendorFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.contact("sms", "C1")
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "mark_sending", _raise)
        with connect("demo_sms") as sftp, pytest.raises(Killed):
            send(day, sftp)
    assert set(outbound(vendor_files)) == {f"{SMS_BATCH}.csv"}

    with connect("demo_sms") as sftp:
        assert send(day, sftp, hour=20) is BatchState.EXPIRED
        assert send(day, sftp, hour=8) is BatchState.EXPIRED

    assert outbound(vendor_files) == {}
    assert "not delivered by then" in str(day.run("select detail from ops.delivery_event where to_state = 'expired'"))


def test_a_manifest_that_got_there_in_time_counts_even_when_we_learn_it_late(
    day: Day, connect: Connect, vendor_files: VendorFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.contact("sms", "C1")
    killed_before_it_notes_the_upload(day, connect, monkeypatch)

    with connect("demo_sms") as sftp:
        assert send(day, sftp, hour=20) is BatchState.UPLOADED

    assert_delivered_once(day, vendor_files)


def test_another_manifest_of_the_same_name_is_never_replaced(
    day: Day, connect: Connect, vendor_files: VendorFiles
) -> None:
    batch_id = prepared(day)
    directory = vendor_files("demo_sms") / "outbound" / "20200415"
    directory.mkdir()
    (directory / f"{batch_id}.manifest.json").write_text("{}")

    with connect("demo_sms") as sftp, pytest.raises(DeliveryError, match="holds another manifest"):
        deliver(day.warehouse, sftp, batch_id=batch_id, settings=day.settings, now=day.at(8))

    assert outbound(vendor_files) == {f"{batch_id}.manifest.json": b"{}"}
    assert day.state(batch_id) == "written"


class CorruptingSftp(VendorSftp):
    """A line that loses a byte of everything it carries."""

    def put(self, path: str, content: bytes) -> None:
        super().put(path, content[:-1] + b"?")


def test_a_file_that_arrives_damaged_is_not_put_in_place(day: Day, connect: Connect, vendor_files: VendorFiles) -> None:
    day.contact("sms", "C1")
    with (
        CorruptingSftp(connect("demo_sms").server) as sftp,
        pytest.raises(VendorConnectionError, match="was not put in place"),
    ):
        send(day, sftp)
    assert [name for name in outbound(vendor_files) if not name.endswith(".part")] == []

    with connect("demo_sms") as sftp:
        send(day, sftp)

    assert_delivered_once(day, vendor_files)


def test_files_of_a_superseded_batch_are_taken_back(
    day: Day, connect: Connect, vendor_files: VendorFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.contact("sms", "C1")
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "mark_sending", _raise)
        with connect("demo_sms") as sftp, pytest.raises(Killed):
            send(day, sftp)
    day.contact("sms", "C2")

    with connect("demo_sms") as sftp:
        send(day, sftp)

    assert_delivered_once(day, vendor_files, "sms-demo_sms-20200415-02")
    assert day.state(SMS_BATCH) == "superseded"
    manifest = json.loads(outbound(vendor_files)["sms-demo_sms-20200415-02.manifest.json"])
    assert manifest["supersedes"] == SMS_BATCH


def test_a_batch_superseded_while_it_is_uploaded_sends_no_manifest(
    day: Day, connect: Connect, vendor_files: VendorFiles
) -> None:
    day.contact("sms", "C1")
    first = prepared(day)

    class Overtaken(VendorSftp):
        def mkdir(self, path: str) -> None:
            super().mkdir(path)
            day.contact("sms", "C2")
            plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor="demo_sms")

    with (
        closing(psycopg2.connect(day.settings.dsn("warehouse", "pipeline"))) as warehouse,
        Overtaken(connect("demo_sms").server) as sftp,
        pytest.raises(DeliveryError, match="became superseded"),
    ):
        deliver(warehouse, sftp, batch_id=first, settings=day.settings, now=day.at(8))

    assert f"{first}.manifest.json" not in outbound(vendor_files)


def test_two_processes_do_not_deliver_one_batch_at_once(day: Day, connect: Connect, vendor_files: VendorFiles) -> None:
    batch_id = prepared(day)

    class Meanwhile(VendorSftp):
        def mkdir(self, path: str) -> None:
            with (
                closing(psycopg2.connect(day.settings.dsn("warehouse", "pipeline"))) as other,
                connect("demo_sms") as sftp,
                pytest.raises(DeliveryError, match="by another process"),
            ):
                deliver(other, sftp, batch_id=batch_id, settings=day.settings, now=day.at(8))
            super().mkdir(path)

    with Meanwhile(connect("demo_sms").server) as sftp:
        deliver(day.warehouse, sftp, batch_id=batch_id, settings=day.settings, now=day.at(8))

    assert_delivered_once(day, vendor_files)


def test_an_acknowledgement_that_was_read_first_stands(
    day: Day, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between manifest and ledger; the vendor answers before the batch is delivered again."""
    day.contact("sms", "C1")
    killed_before_it_notes_the_upload(day, connect, monkeypatch)
    with day.warehouse:
        ledger.transition(day.warehouse, batch_id=SMS_BATCH, to=BatchState.ACKNOWLEDGED)

    with connect("demo_sms") as sftp:
        assert send(day, sftp) is BatchState.ACKNOWLEDGED


def test_one_vendor_that_is_down_delays_no_other(day: Day, connect: Connect, vendor_files: VendorFiles) -> None:
    day.contact("sms", "C1")
    day.contact("phone", "C2")
    waiting = prepared(day, "demo_call")
    down = VendorSftp(replace(connect("demo_call").server, port=1))

    with pytest.raises(VendorConnectionError), down:
        pass
    with connect("demo_sms") as sftp:
        send(day, sftp)

    assert_delivered_once(day, vendor_files)
    assert day.state(waiting) == "written"
    with connect("demo_call") as sftp:
        deliver(day.warehouse, sftp, batch_id=waiting, settings=day.settings, now=day.at(10))
    assert day.state(waiting) == "uploaded"


def test_nothing_personal_is_logged_or_noted(
    day: Day, connect: Connect, caplog: pytest.LogCaptureFixture, vendor_files: VendorFiles
) -> None:
    day.contact("sms", "C77", first_name="Zoe", phone="+8613812345678")

    with caplog.at_level(logging.DEBUG), connect("demo_sms") as sftp:
        send(day, sftp)

    told = (
        caplog.text
        + str(day.run("select * from ops.delivery_event"))
        + str(day.run("select * from ops.delivery_batch"))
    )
    assert b"Zoe" in outbound(vendor_files)[f"{SMS_BATCH}.csv"]
    assert not [word for word in ("Zoe", "13812345678", "C77") if word in told]


def _raise(*arguments: object, **options: object) -> None:
    raise Killed


def test_a_list_leaves_until_the_vendors_day_is_over_even_where_windows_go_on(day: Day, connect: Connect) -> None:
    """The day of demo_sms ends at 20:00."""
    day.contact("sms", "C1", send_before=day.at(23))
    batch_id = prepared(day)

    with connect("demo_sms") as sftp:
        state = deliver(day.warehouse, sftp, batch_id=batch_id, settings=day.settings, now=day.at(20, 1))

    assert state is BatchState.EXPIRED


def test_a_server_so_slow_that_the_end_passes_gets_no_manifest(
    day: Day, connect: Connect, vendor_files: VendorFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.contact("sms", "C1")
    batch_id = prepared(day)
    monkeypatch.setattr(send_module, "_stopwatch", lambda: lambda: timedelta(hours=2))

    with connect("demo_sms") as sftp:
        state = deliver(day.warehouse, sftp, batch_id=batch_id, settings=day.settings, now=day.at(18))

    assert state is BatchState.EXPIRED
    assert outbound(vendor_files) == {}


def test_what_waits_for_a_vendor_that_is_never_reached_expires_all_the_same(
    day: Day, vendor_files: VendorFiles
) -> None:
    day.contact("sms", "C1")
    batch_id = prepared(day)

    plan_recalls(day.warehouse, as_of=AS_OF, now=day.at(19), settings=day.settings)
    assert day.state(batch_id) == "written"
    plan_recalls(day.warehouse, as_of=AS_OF, now=day.at(19, 1), settings=day.settings)

    assert day.state(batch_id) == "expired"


def test_what_lies_there_of_a_list_that_expired_unreached_is_taken_back_later(
    day: Day, connect: Connect, vendor_files: VendorFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.contact("sms", "C1")
    with monkeypatch.context() as patch, connect("demo_sms") as sftp, pytest.raises(Killed):
        patch.setattr(ledger, "mark_sending", _raise)
        send(day, sftp)
    plan_recalls(day.warehouse, as_of=AS_OF, now=day.at(22), settings=day.settings)
    assert set(outbound(vendor_files)) == {f"{SMS_BATCH}.csv"}

    with connect("demo_sms") as sftp:
        withdraw_expired(day.warehouse, sftp, vendor="demo_sms", as_of=AS_OF + timedelta(days=1))

    assert outbound(vendor_files) == {}


def test_what_the_vendor_may_have_does_not_expire_unseen(
    day: Day, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.contact("sms", "C1")
    killed_before_it_notes_the_upload(day, connect, monkeypatch)

    plan_recalls(day.warehouse, as_of=AS_OF, now=day.at(22), settings=day.settings)

    assert day.state(SMS_BATCH) == "written"


@pytest.mark.parametrize("meanwhile", ["sending_since = now()", "state = 'superseded'"])
def test_what_goes_out_or_is_superseded_while_others_expire_does_not(
    day: Day, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    day.contact("sms", "C1")
    batch_id = prepared(day)
    seen = ledger.waiting(day.warehouse, as_of=AS_OF)
    day.run(f"update ops.delivery_batch set {meanwhile} where batch_id = %s", batch_id)
    monkeypatch.setattr(ledger, "waiting", lambda *_, **__: seen)

    plan_recalls(day.warehouse, as_of=AS_OF, now=day.at(22), settings=day.settings)

    assert day.state(batch_id) != "expired"


def test_valid_until_is_the_last_instant_at_which_a_list_leaves(day: Day, connect: Connect) -> None:
    day.contact("sms", "C1")
    batch_id = prepared(day)

    with connect("demo_sms") as sftp:
        state = deliver(day.warehouse, sftp, batch_id=batch_id, settings=day.settings, now=day.at(18, 59))
    assert state is BatchState.UPLOADED
    day.contact("phone", "C2")
    late = prepared(day, "demo_call")
    with connect("demo_call") as sftp:
        now = day.at(19) + timedelta(seconds=1)
        assert deliver(day.warehouse, sftp, batch_id=late, settings=day.settings, now=now) is BatchState.EXPIRED

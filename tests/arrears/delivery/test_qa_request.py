"""Requests for reviews: what the mart asks for, once, complete or absent."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from delivery_day import AS_OF, Day

from arrears.delivery.handbook import DIRECTORY
from arrears.delivery.ingest import read_inbound
from arrears.delivery.qa_request import plan_request, send_request, write_request
from arrears.domain.batch_state import BatchState
from arrears.errors import GateError
from arrears.hooks.vendor_sftp import VendorSftp

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]
Connect = Callable[[str], VendorSftp]
VendorFiles = Callable[[str], Path]
VENDOR = "demo_call"
REQUEST = "qa-request-demo_call-20200415-01"


@pytest.fixture
def asked(day: Day) -> Day:
    """A day on which two recordings are asked for, and one of another vendor."""
    ask(day, "rec-b", "complaint")
    ask(day, "rec-A", "random")
    ask(day, "rec-v", "random", vendor="demo_visit")
    return day


def ask(day: Day, recording: str, reason: str, *, vendor: str = VENDOR) -> None:
    day.insert(
        "marts.qa_request",
        **{"as_of": AS_OF, "vendor": vendor, "recording_ref": recording, "collector_id": "K-1", "reason": reason},
        is_random=False,
    )


def report_recording(day: Day) -> None:
    day.run(
        "insert into landing.vendor_result (_vendor, _file_sha256, _line_number, batch_id, contact_ref, attempted_at,"
        " disposition, recording_ref) values (%s, 'x', 2, 'b', 'r', now(), 'busy', 'rec-1')",
        VENDOR,
    )


def send(day: Day, sftp: VendorSftp) -> BatchState | None:
    return send_request(day.warehouse, sftp, vendor=VENDOR, as_of=AS_OF, settings=day.settings, now=day.at(9))


def files(vendor_files: VendorFiles) -> dict[str, bytes]:
    directory = vendor_files(VENDOR) / "outbound" / "20200415"
    return {path.name: path.read_bytes() for path in directory.glob("*")} if directory.exists() else {}


def test_a_request_is_delivered_once_and_acknowledged(asked: Day, connect: Connect, vendor_files: VendorFiles) -> None:
    with connect(VENDOR) as sftp:
        assert send(asked, sftp) is BatchState.UPLOADED
        sent = files(vendor_files)
        assert send(asked, sftp) is BatchState.UPLOADED
    assert files(vendor_files) == sent
    assert set(sent) == {f"{REQUEST}.csv", f"{REQUEST}.manifest.json"}

    table = sent[f"{REQUEST}.csv"]
    assert table.decode() == "recording_ref,collector_id,reason\nrec-A,K-1,random\nrec-b,K-1,complaint\n"
    manifest = json.loads(sent[f"{REQUEST}.manifest.json"])
    schema = json.loads((DIRECTORY / "manifest.schema.json").read_text())
    jsonschema.validate(manifest, schema, format_checker=jsonschema.FormatChecker())
    assert (manifest["kind"], manifest["files"][0]["rows"]) == ("qa_request", 2)
    assert manifest["valid_until"] == "2020-04-29T20:00:00+08:00"

    ack = {"batch_id": REQUEST, "received_at": "2020-04-15T09:30:00+08:00", "rows": 2, "accepted": 2, "rejected": []}
    answer = json.dumps(ack | {"sha256": hashlib.sha256(table).hexdigest()})
    (vendor_files(VENDOR) / "inbound" / "ack.json").write_text(answer)
    with connect(VENDOR) as sftp:
        read_inbound(asked.warehouse, sftp, vendor=VENDOR, settings=asked.settings, now=asked.at(10))
    assert asked.state(REQUEST) == BatchState.ACKNOWLEDGED


def test_nothing_to_ask_is_a_manifest_of_no_rows_for_a_vendor_that_records_and_nothing_for_another(
    asked: Day, connect: Connect, vendor_files: VendorFiles
) -> None:
    asked.run("delete from marts.qa_request")
    with connect(VENDOR) as sftp:
        assert send(asked, sftp) is None
        assert files(vendor_files) == {}

        report_recording(asked)
        assert send(asked, sftp) is BatchState.UPLOADED

    assert json.loads(files(vendor_files)[f"{REQUEST}.manifest.json"])["files"][0]["rows"] == 0
    assert files(vendor_files)[f"{REQUEST}.csv"] == b"recording_ref,collector_id,reason\n"


def test_a_recording_that_is_no_reference_stops_the_request(asked: Day, connect: Connect) -> None:
    ask(asked, "Mr Smith", "random")

    with connect(VENDOR) as sftp, pytest.raises(GateError, match="references as the vendor reported them"):
        send(asked, sftp)

    assert asked.state(REQUEST) == BatchState.PLANNED
    assert asked.run("select count(*) from ops.delivery_file") == [(0,)]
    assert asked.run("select count(*) from ops.quality_results where reference = %s and not success", REQUEST) == [(1,)]


def test_what_is_asked_for_since_the_plan_takes_its_place(asked: Day) -> None:
    plan_request(asked.warehouse, vendor=VENDOR, as_of=AS_OF, settings=asked.settings, now=asked.at(9))
    ask(asked, "rec-c", "random")
    with pytest.raises(GateError, match="expected the 2 recordings"):
        write_request(asked.warehouse, batch_id=REQUEST, settings=asked.settings)

    batch = plan_request(asked.warehouse, vendor=VENDOR, as_of=AS_OF, settings=asked.settings, now=asked.at(9))
    assert batch is not None
    write_request(asked.warehouse, batch_id=batch.batch_id, settings=asked.settings)

    assert batch.batch_id == REQUEST.replace("-01", "-02")
    assert (asked.state(REQUEST), asked.state(batch.batch_id)) == (BatchState.SUPERSEDED, BatchState.WRITTEN)

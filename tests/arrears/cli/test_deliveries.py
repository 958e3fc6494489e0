"""`arrears deliveries` on a day with lists in several states."""

import json

import pytest
from delivery_day import AS_OF, Day
from typer.testing import CliRunner

from arrears.cli.main import app
from arrears.delivery.lists import plan_batches

pytestmark = pytest.mark.postgres


@pytest.fixture
def sent(day: Day) -> Day:
    """One list that its vendor took with one row refused, one without an answer, the others still here."""
    day.contact("sms", "C1")
    day.contact("sms", "C2")
    plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, now=day.at(7))
    day.run("update ops.delivery_batch set state = 'acknowledged' where channel = 'sms'")
    day.run("update ops.delivery_batch set state = 'uploaded' where channel = 'phone'")
    for batch_id in ("sms-demo_sms-20200415-01", "phone-demo_call-20200415-01"):
        day.insert("ops.delivery_event", batch_id=batch_id, to_state="uploaded", happened_at=day.at(8))
    day.insert(
        "landing.vendor_ack",
        _vendor="demo_sms",
        _file_sha256="x",
        batch_id="sms-demo_sms-20200415-01",
        received_at=day.at(8, 5),
        rows=2,
        sha256="x",
        accepted=1,
        rejected=json.dumps([{"contact_ref": "r1", "reason": "unreachable"}]),
    )
    return day


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["deliveries", *arguments], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_json_has_every_batch_with_state_and_acknowledgement(sent: Day) -> None:
    batches = {batch["batch_id"]: batch for batch in json.loads(run("--as-of", "2020-04-15", "--json"))}

    assert len(batches) == 5
    sms, phone = batches["sms-demo_sms-20200415-01"], batches["phone-demo_call-20200415-01"]
    assert (sms["state"], sms["row_count"], sms["accepted_rows"], sms["rejected_rows"]) == ("acknowledged", 2, 1, 1)
    assert (sms["is_overdue"], phone["is_overdue"]) == (False, True)
    assert phone["acknowledged_at"] is None


def test_the_table_says_who_has_not_answered(sent: Day) -> None:
    output = run("--as-of", "2020-04-15")

    (phone,) = [line for line in output.splitlines() if "phone-demo_call-20200415-01" in line]
    assert "uploaded" in phone
    assert "no acknowledgement in time" in phone
    assert "1 accepted, 1 rejected" in output
    assert "04-15 08:05:00" in output


def test_below_the_table_it_says_which_vendor_fails(sent: Day) -> None:
    outage = {"vendor": "demo_law", "began_at": sent.at(7), "last_failed_at": sent.at(9), "reason": "VendorAccessError"}
    sent.insert("ops.vendor_outage", **outage, opened_at=sent.at(8), next_try_at=sent.at(9, 10))
    sent.insert("ops.vendor_outage", **outage | {"vendor": "demo_sms"}, ended_at=sent.at(10))

    output = run("--as-of", "2020-04-15")

    assert "demo_law fails since 04-15 07:00:00 (VendorAccessError) and is next tried at 04-15 09:10:00" in output
    assert "demo_sms fails" not in output


def test_a_day_without_deliveries_says_what_to_do(day: Day) -> None:
    assert "Nothing was planned for 2019-01-01: run `arrears run --as-of 2019-01-01`." in run("--as-of", "2019-01-01")
    assert json.loads(run("--as-of", "2019-01-01", "--json")) == []

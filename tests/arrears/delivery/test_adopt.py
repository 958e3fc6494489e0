"""What left and was forgotten is taken into the ledger again from what lies at the vendor."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import pytest
from delivery_day import AS_OF, Day
from typer.testing import CliRunner
from vendor_servers import send_stop

from arrears.cli.main import app
from arrears.delivery import list_gate
from arrears.delivery.adopt import Adopted, adopt, put_back_read_files
from arrears.delivery.legal import record_approval
from arrears.delivery.lists import gate_batch, plan_batches, write_batch
from arrears.delivery.recall import plan_recalls, write_recall
from arrears.delivery.send import deliver
from arrears.errors import DeliveryError
from arrears.hooks.vendor_sftp import VendorSftp
from arrears.quality.suites import RuleResult, Severity
from arrears.services.airflow import create_secrets
from arrears.services.openpgp_keys import create_openpgp_keys

pytestmark = [pytest.mark.postgres, pytest.mark.sftp]
Connect = Callable[[str], VendorSftp]
SMS = "sms-demo_sms-20200415-01"


@pytest.fixture(autouse=True)
def green_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    green = RuleResult("all", "NONE", Severity.ABORT, True, 1, 0, "green", "green")
    monkeypatch.setattr(list_gate, "check", lambda *arguments, **options: [green])


@pytest.fixture
def sms(day: Day, connect: Connect) -> Iterator[VendorSftp]:
    """A session with the vendor for text messages, which has a list with two customers."""
    for number in (1, 2):
        day.loan(f"L{number}", f"C{number}", Decimal("200.00"))
        day.contact("sms", f"C{number}", amount_due=Decimal("200.00"))
        day.land("loans", {"loan_id": f"L{number}", "customer_id": f"C{number}", "currency": "USD"})
        day.land(
            "contact_points",
            {"contact_point_id": f"P{number}", "customer_id": f"C{number}", "value": f"+8613800{number:06d}"},
        )
    with connect("demo_sms") as session:
        send(day, session, "demo_sms")
        yield session


def send(day: Day, sftp: VendorSftp, vendor: str) -> None:
    (plan,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor=vendor)
    write_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
    gate_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
    deliver(day.warehouse, sftp, batch_id=plan.batch_id, settings=day.settings, now=day.at(8))


def recall(day: Day, sftp: VendorSftp, hour: int) -> str:
    (plan,) = plan_recalls(day.warehouse, as_of=AS_OF, now=day.at(hour), settings=day.settings)
    write_recall(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
    deliver(day.warehouse, sftp, batch_id=plan.batch_id, settings=day.settings, now=day.at(hour))
    return plan.batch_id


def ledger(day: Day, batch_id: str) -> list[tuple[object, ...]]:
    """All that the ledger has of a batch but how it came to it."""
    return [
        row
        for query in (
            "select kind, channel, vendor, as_of, sequence, state, row_count, planned_at, valid_until"
            " from ops.delivery_batch where batch_id = %s",
            "select name, position, sha256, content, row_count, control_totals, encryption"
            " from ops.delivery_file where batch_id = %s order by position",
            "select contact_ref, customer_id, currency, contact_point_id, contact_customer_id, pay_link_token, reason"
            " from ops.delivery_item where batch_id = %s order by contact_ref",
        )
        for row in day.run(query, batch_id)
    ]


def forget(day: Day, *kinds: str) -> None:
    """As a restore does, to a moment before batches of these kinds were planned."""
    batches = [
        batch_id for (batch_id,) in day.run("select batch_id from ops.delivery_batch where kind = any(%s)", list(kinds))
    ]
    for table in ("delivery_event", "delivery_item", "delivery_file", "delivery_batch"):
        day.run(f"delete from ops.{table} where batch_id = any(%s)", batches)


def take_in(day: Day, sftp: VendorSftp, vendor: str = "demo_sms") -> list[Adopted]:
    return adopt(day.warehouse, sftp, vendor=vendor, as_of=AS_OF, settings=day.settings)


def test_a_list_is_in_the_ledger_as_it_was(day: Day, sms: VendorSftp) -> None:
    before = ledger(day, SMS)
    forget(day, "contact_list")

    assert take_in(day, sms) == [Adopted(SMS, 2, 0)]
    assert ledger(day, SMS) == before
    assert take_in(day, sms) == [Adopted(SMS, 2, 0)]
    assert ledger(day, SMS) == before


def test_rows_of_customers_who_are_loaded_later_are_filled_in(day: Day, sms: VendorSftp) -> None:
    before = ledger(day, SMS)
    forget(day, "contact_list")
    day.run("update landing.loans set customer_id = 'not yet' where customer_id = 'C2'")

    assert take_in(day, sms) == [Adopted(SMS, 2, 1)]
    day.run("update landing.loans set customer_id = 'C2' where customer_id = 'not yet'")
    assert take_in(day, sms) == [Adopted(SMS, 2, 0)]
    assert ledger(day, SMS) == before


def test_a_forgotten_recall_is_taken_in_and_the_next_one_goes_on_from_it(day: Day, sms: VendorSftp) -> None:
    day.pay("L1", "200.00", "T1")
    first = recall(day, sms, 9)
    before = ledger(day, first)
    forget(day, "recall")
    day.pay("L2", "200.00", "T2")

    with pytest.raises(DeliveryError, match=r"holds another manifest .* --adopt"):
        recall(day, sms, 10)
    assert take_in(day, sms) == [Adopted(first, 1, 0)]
    assert ledger(day, first) == before
    second = recall(day, sms, 10)
    assert second != first
    assert len(day.rows(second)) == 2


def test_the_next_day_does_not_begin_before_a_forgotten_list_is_taken_in(day: Day, sms: VendorSftp) -> None:
    """Its stop file would not say what of that list is to be dropped."""
    forget(day, "contact_list")
    tomorrow = {"vendor": "demo_sms", "as_of": AS_OF + timedelta(days=1), "now": day.at(23), "settings": day.settings}

    with pytest.raises(DeliveryError, match=rf"has {SMS} of {AS_OF}, .* --as-of {AS_OF} --adopt"):
        send_stop(day.warehouse, sms, **tomorrow)
    take_in(day, sms)
    assert send_stop(day.warehouse, sms, **tomorrow) == "uploaded"
    assert len(day.rows("stop-demo_sms-20200416-01")) == 2


def test_an_encrypted_list_is_known_by_its_evidence(day: Day, connect: Connect) -> None:
    create_openpgp_keys(day.settings)
    day.propose_referral("C7")
    for approver in ("anna", "ben"):
        record_approval(
            day.warehouse,
            as_of=AS_OF,
            customer_id="C7",
            currency="USD",
            approver=approver,
            is_approved=True,
            is_demo=True,
        )
    day.approve("C7")
    day.land("loans", {"loan_id": "L7", "customer_id": "C7", "currency": "USD"})
    with connect("demo_law") as sftp:
        send(day, sftp, "demo_law")
        batch_id = "legal-demo_law-20200415-01"
        before = day.run("select contact_ref, customer_id from ops.delivery_item where batch_id = %s", batch_id)
        forget(day, "contact_list")

        assert take_in(day, sftp, "demo_law") == [Adopted(batch_id, 1, 0)]
    assert day.run("select contact_ref, customer_id from ops.delivery_item where batch_id = %s", batch_id) == before


def test_what_is_not_ours_or_is_damaged_is_not_taken_in(
    day: Day, sms: VendorSftp, vendor_files: Callable[[str], Path]
) -> None:
    directory = vendor_files("demo_sms") / "outbound" / "20200415"
    manifest = directory / f"{SMS}.manifest.json"
    forget(day, "contact_list")

    for name in (f"{SMS}.csv", manifest.name):
        kept = (directory / name).read_bytes()
        (directory / name).write_bytes(b"{}")
        with pytest.raises(DeliveryError, match="expected"):
            take_in(day, sms)
        (directory / name).write_bytes(kept)
    other = manifest.with_name(f"{SMS[:-1]}2.manifest.json")
    other.write_text(json.dumps(json.loads(manifest.read_text()) | {"vendor": "demo_call"}))
    with pytest.raises(DeliveryError, match="expected the manifest of"):
        take_in(day, sms)
    assert day.run("select count(*) from ops.delivery_batch") == [(0,)]


def test_a_made_up_list_has_no_row_that_stands_for_anybody(
    day: Day, sms: VendorSftp, vendor_files: Callable[[str], Path]
) -> None:
    """References of a real list, under the name of another batch."""
    directory = vendor_files("demo_sms") / "outbound" / "20200415"
    made_up = json.loads((directory / f"{SMS}.manifest.json").read_text()) | {"batch_id": f"{SMS[:-1]}2"}
    (directory / f"{SMS[:-1]}2.manifest.json").write_text(json.dumps(made_up))

    assert take_in(day, sms) == [Adopted(f"{SMS[:-1]}2", 2, 2)]


def test_files_that_were_read_and_forgotten_are_read_again(
    day: Day, sms: VendorSftp, vendor_files: Callable[[str], Path]
) -> None:
    inbound = vendor_files("demo_sms") / "inbound"
    (inbound / "done").mkdir()
    for name in ("known.csv", "forgotten.csv", "known.csv.reason.json"):
        (inbound / "done" / name).write_text(name)
    sha256 = hashlib.sha256(b"known.csv").hexdigest()
    known = {"vendor": "demo_sms", "file_name": "known.csv", "kind": "results", "state": "loaded", "sha256": sha256}
    day.insert("ops.vendor_file", **known)

    assert put_back_read_files(day.warehouse, sms, vendor="demo_sms") == 1
    assert {path.name for path in inbound.glob("*.csv")} == {"forgotten.csv"}
    assert {path.name for path in (inbound / "done").iterdir()} == {"known.csv", "known.csv.reason.json"}


def test_the_command_takes_in_what_left_and_shows_it(day: Day, sms: VendorSftp) -> None:
    create_secrets(day.settings)
    before = ledger(day, SMS)
    forget(day, "contact_list")

    with patch.dict(os.environ):
        result = CliRunner().invoke(app, ["deliveries", "--as-of", "2020-04-15", "--adopt"], catch_exceptions=False)

    assert result.exit_code == 0
    assert f"{SMS} adopted: 2 rows" in result.output
    assert ledger(day, SMS) == before
    assert day.state(SMS) == "uploaded"

"""A day's conversation between the bank and its five vendors, over SFTP: lists, acknowledgements, results, recall."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from delivery_day import AS_OF, VENDOR_OF, Day
from vendor_servers import send_stop

from arrears.delivery.ingest import IngestReport, read_inbound
from arrears.delivery.lists import gate_batch, plan_batches, write_batch
from arrears.delivery.recall import plan_recalls, write_recall
from arrears.delivery.seal import seal_day
from arrears.delivery.send import deliver
from arrears.delivery.stop import stop_accepted
from arrears.hooks.vendor_sftp import VendorSftp
from arrears.services.openpgp_keys import create_openpgp_keys
from arrears.settings import Settings
from arrears.simulator.vendor_work import Conduct
from arrears.simulator.vendors import all_desks

pytestmark = [pytest.mark.postgres, pytest.mark.sftp, pytest.mark.slow]

Connect = Callable[[str], VendorSftp]
CUSTOMERS = 30
CLOCK = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def prepared(day: Day, vendor_files: Callable[[str], Path], sftp_server: Settings) -> Day:
    """Customers for every channel, and what ingest reads beside what delivery reads."""
    create_openpgp_keys(sftp_server)
    for number, channel in enumerate(("sms", "phone", "field_visit", "care")):
        for customer in range(CUSTOMERS):
            day.contact(channel, f"C{number}{customer:03d}")
    day.propose_referral("C9001")
    day.approve("C9001")
    for approver in ("one", "two"):
        day.insert(
            "ops.legal_approval",
            generation=1,
            as_of=AS_OF,
            customer_id="C9001",
            currency="USD",
            approver=approver,
            is_approved=True,
        )
    seal_day(day.warehouse, as_of=AS_OF, settings=day.settings)
    return day


def read_all(day: Day, connect: Connect) -> dict[str, IngestReport]:
    reports = {}
    for vendor in VENDOR_OF.values():
        with connect(vendor) as sftp:
            reports[vendor] = read_inbound(day.warehouse, sftp, vendor=vendor, settings=day.settings, now=CLOCK)
    return reports


def vendors_work(settings: Settings, seconds: int) -> None:
    for desk in all_desks(settings, conduct=Conduct(settings.bank_tz, bad_row_share=0.0)):
        desk.work(CLOCK + timedelta(seconds=seconds))


def test_lists_go_out_answers_come_back_and_a_recall_is_heeded(
    prepared: Day, connect: Connect, sftp_server: Settings
) -> None:
    day, now = prepared, prepared.at(6)

    for vendor in VENDOR_OF.values():
        with connect(vendor) as sftp:
            send_stop(day.warehouse, sftp, vendor=vendor, as_of=AS_OF, now=now, settings=day.settings)
    vendors_work(sftp_server, 0)
    read_all(day, connect)
    assert all(stop_accepted(day.warehouse, vendor, AS_OF) for vendor in VENDOR_OF.values())

    plans = plan_batches(day.warehouse, as_of=AS_OF, now=now, settings=day.settings)
    for plan in plans:
        write_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
        gate_batch(day.warehouse, batch_id=plan.batch_id, settings=day.settings)
        with connect(plan.vendor) as sftp:
            deliver(day.warehouse, sftp, batch_id=plan.batch_id, now=now, settings=day.settings)
    vendors_work(sftp_server, 10)
    reports = read_all(day, connect)

    assert {report.count("refused") for report in reports.values()} == {0}
    assert {day.state(plan.batch_id) for plan in plans} <= {"acknowledged", "closed"}
    morning = {ref for (ref,) in day.run("select distinct contact_ref from landing.vendor_result")}
    assert morning

    # Somebody whom the SMS vendor has not written to yet pays at noon.
    ((customer, ref),) = day.run(
        "select item.customer_id, item.contact_ref from ops.delivery_item as item"
        " where item.batch_id like 'sms-%%' and not item.contact_ref = any(%s) order by item.contact_ref limit 1",
        sorted(morning),
    )
    day.loan("L-paid", customer, Decimal("1000.00"))
    day.pay("L-paid", "1000.00", "T-paid")
    recalls = plan_recalls(day.warehouse, as_of=AS_OF, now=day.at(12), settings=day.settings)
    assert "demo_sms" in [recall.vendor for recall in recalls]
    for recall in recalls:
        write_recall(day.warehouse, batch_id=recall.batch_id, settings=day.settings)
        with connect(recall.vendor) as sftp:
            deliver(day.warehouse, sftp, batch_id=recall.batch_id, now=day.at(12), settings=day.settings)

    vendors_work(sftp_server, 60)
    reports = read_all(day, connect)

    assert day.run("select reason_code, field_name, row_text from quarantine.vendor_result") == []
    assert {(report.count("refused"), report.rejected_rows) for report in reports.values()} == {(0, 0)}
    assert day.run("select count(*) from landing.vendor_result where contact_ref = %s", ref) == [(0,)]
    attempted = dict(day.run("select _vendor, count(distinct contact_ref) from landing.vendor_result group by 1"))
    assert attempted == {
        "demo_sms": CUSTOMERS - 1,
        "demo_call": CUSTOMERS,
        "demo_visit": CUSTOMERS,
        "demo_law": 1,
        "demo_care": CUSTOMERS,
    }
    assert day.run("select count(*) from ops.quality_results where border = 'vendor_file' and not success") == [(0,)]
    # Every message is final or called back; calls that nobody answered leave their list open.
    states = dict(day.run("select channel, state from ops.delivery_batch where kind = 'contact_list'"))
    assert (states["sms"], states["field_visit"]) == ("closed", "closed")
    assert states["phone"] == "acknowledged"

    before = day.run("select * from landing.vendor_result order by _row_id")
    vendors_work(sftp_server, 120)
    read_all(day, connect)
    assert day.run("select * from landing.vendor_result order by _row_id") == before

"""Stop files: what a vendor must drop of earlier lists, before it gets today's."""

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from delivery_day import AS_OF, Day
from vendor_servers import send_stop

from arrears.delivery.lists import plan_batches
from arrears.delivery.seal import is_sealed, seal_day
from arrears.delivery.stop import plan_stop, stop_accepted
from arrears.errors import DeliveryError
from arrears.hooks.vendor_sftp import VendorSftp

pytestmark = pytest.mark.postgres
TOMORROW = AS_OF + timedelta(days=1)
STOP = "stop-demo_sms-20200416-01"


@pytest.fixture
def next_day(day: Day) -> Day:
    """The day after one whose list for text messages went to C1, C2 and C3."""
    for number in (1, 2, 3):
        day.contact("sms", f"C{number}")
    plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings)
    day.run("update ops.delivery_batch set state = 'acknowledged' where channel = 'sms'")
    day.as_of = TOMORROW
    day.build()
    return day


def stopped(day: Day, vendor: str = "demo_sms") -> dict[str, str]:
    """The reason by customer in the vendor's stop file."""
    batch = plan_stop(day.warehouse, vendor=vendor, as_of=TOMORROW, settings=day.settings, now=day.at(6))
    return dict(day.run("select customer_id, reason from ops.delivery_item where batch_id = %s", batch.batch_id))


def test_every_open_row_of_earlier_days_is_stopped_in_words_that_tell_no_more_than_needed(next_day: Day) -> None:
    next_day.contact("sms", "C1")
    row = {"as_of": TOMORROW, "currency": "USD", "vendor": "demo_sms"}
    next_day.decide("sms", {**row, "customer_id": "C2"}, "suppress", "DECEASED")

    assert stopped(next_day) == {"C1": "replaced", "C2": "do_not_contact", "C3": "nothing_due"}


@pytest.mark.parametrize(
    ("reason_code", "told"),
    [
        ("PAID_SINCE", "nothing_due"),
        ("NOT_IN_ARREARS", "nothing_due"),
        ("PROMISE_OPEN", "promise_made"),
        ("VULNERABLE", "do_not_contact"),
        ("CHANNEL_REFUSED", "do_not_contact"),
        ("DATA_HOLD", "do_not_contact"),
        ("FREQUENCY_DAY", "replaced"),
        ("CAPACITY", "replaced"),
    ],
)
def test_a_vendor_is_told_the_kind_of_reason_only(next_day: Day, reason_code: str, told: str) -> None:
    row = {"as_of": TOMORROW, "currency": "USD", "vendor": "demo_sms", "customer_id": "C1"}
    next_day.decide("sms", row, "suppress", reason_code)

    assert stopped(next_day)["C1"] == told


def test_a_reason_that_changed_over_time_is_read_as_the_day_has_it(next_day: Day) -> None:
    row = {"as_of": TOMORROW, "currency": "USD", "vendor": "demo_sms", "customer_id": "C1"}
    next_day.decide("sms", row, "suppress", "VULNERABLE")
    earlier = {"reason_code": "VULNERABLE", "category": "time", "valid_from": AS_OF, "valid_to": TOMORROW}
    next_day.insert("staging.suppression_reasons", **earlier)
    try:
        assert stopped(next_day)["C1"] == "do_not_contact"
    finally:
        next_day.run("delete from staging.suppression_reasons where category = 'time' and valid_to is not null")


def test_final_rows_and_closed_lists_are_not_stopped(next_day: Day) -> None:
    next_day.run("update ops.delivery_item set is_final = true where customer_id = 'C1'")
    assert set(stopped(next_day)) == {"C2", "C3"}

    next_day.run("delete from ops.delivery_event where batch_id like 'stop%%'")
    next_day.run("delete from ops.delivery_item where batch_id like 'stop%%'")
    next_day.run("delete from ops.delivery_batch where kind = 'stop'")
    next_day.run("update ops.delivery_batch set state = 'closed'")
    assert stopped(next_day) == {}


def test_todays_own_list_is_not_stopped(next_day: Day) -> None:
    next_day.contact("sms", "C9")
    plan_batches(next_day.warehouse, as_of=TOMORROW, settings=next_day.settings)
    next_day.run("update ops.delivery_batch set state = 'uploaded' where channel = 'sms'")

    assert "C9" not in stopped(next_day)


def test_a_legal_case_goes_on_until_the_decisions_forbid_it(day: Day) -> None:
    for number, reason in ((1, "NOT_APPROVED"), (2, "FREQUENCY_PERIOD"), (3, "DISPUTED"), (4, None)):
        day.propose_referral(f"C{number}")
        day.approve(f"C{number}")
        for approver in ("anna", "ben"):
            day.insert(
                "ops.legal_approval",
                generation=1,
                as_of=AS_OF,
                customer_id=f"C{number}",
                currency="USD",
                approver=approver,
                is_approved=True,
            )
        if reason:
            row = {"as_of": TOMORROW, "currency": "USD", "vendor": "demo_law", "customer_id": f"C{number}"}
            day.decide("legal", row, "suppress", reason)
    plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor="demo_law")
    day.run("update ops.delivery_batch set state = 'acknowledged'")

    assert stopped(day, "demo_law") == {"C3": "do_not_contact", "C4": "nothing_due"}


def test_there_is_one_stop_file_a_day(next_day: Day) -> None:
    first = stopped(next_day)
    next_day.run("update ops.delivery_item set is_final = true where customer_id = 'C1' and batch_id like 'sms%%'")

    assert stopped(next_day) == first
    assert next_day.run("select count(*) from ops.delivery_batch where kind = 'stop'") == [(1,)]


@pytest.mark.sftp
def test_a_stop_file_is_sent_once_and_with_no_rows_too(
    next_day: Day, connect: Callable[[str], VendorSftp], vendor_files: Callable[[str], Path]
) -> None:
    for vendor in ("demo_sms", "demo_call"):
        for _ in range(2):
            with connect(vendor) as sftp:
                state = send_stop(
                    next_day.warehouse,
                    sftp,
                    vendor=vendor,
                    as_of=TOMORROW,
                    settings=next_day.settings,
                    now=next_day.at(6),
                )
            assert state == "uploaded"

    directory = vendor_files("demo_sms") / "outbound" / "20200416"
    rows = list(csv.DictReader((directory / f"{STOP}.csv").read_text().splitlines()))
    sent = {ref for (ref,) in next_day.run("select contact_ref from ops.delivery_item where batch_id like 'sms%%'")}
    assert {row["contact_ref"] for row in rows} == sent
    assert {row["effective_at"] for row in rows} == {"2020-04-16T06:00:00+08:00"}
    assert json.loads((directory / f"{STOP}.manifest.json").read_text())["kind"] == "stop"
    empty = vendor_files("demo_call") / "outbound" / "20200416" / "stop-demo_call-20200416-01.csv"
    assert empty.read_text() == "contact_ref,reason,effective_at\n"


@pytest.mark.parametrize(
    ("state", "acknowledges", "accepted"),
    [
        ("planned", False, False),
        ("written", False, False),
        ("uploaded", False, True),
        ("uploaded", True, False),
        ("acknowledged", True, True),
        ("closed", True, True),
        ("refused", True, False),
        ("expired", False, False),
    ],
)
def test_lists_follow_when_the_vendor_took_its_stop_file(
    next_day: Day, state: str, acknowledges: bool, accepted: bool
) -> None:
    assert not stop_accepted(next_day.warehouse, "demo_sms", TOMORROW)
    stopped(next_day)
    next_day.run("update staging.vendors set acknowledges_stop = %s where vendor = 'demo_sms'", acknowledges)
    next_day.run("update ops.delivery_batch set state = %s where kind = 'stop'", state)
    try:
        assert stop_accepted(next_day.warehouse, "demo_sms", TOMORROW) is accepted
        assert not stop_accepted(next_day.warehouse, "demo_call", TOMORROW)
        assert not stop_accepted(next_day.warehouse, "demo_sms", AS_OF)
    finally:
        next_day.run("update staging.vendors set acknowledges_stop = true")


# Sealing ------------------------------------------------------------------------------------------------------------


def test_a_day_is_sealed_once_with_the_build_that_decided(day: Day) -> None:
    seal_day(day.warehouse, as_of=AS_OF, settings=day.settings)
    day.build()
    seal_day(day.warehouse, as_of=AS_OF, build_id=day.build_id, settings=day.settings)

    assert is_sealed(day.warehouse, AS_OF)
    assert day.run("select generation, as_of, build_id from ops.sealed_day") == [(1, AS_OF, day.build_id - 1)]


def test_a_day_without_passed_marts_is_not_sealed(day: Day) -> None:
    day.run("update ops.mart_build set state = 'failed'")

    with pytest.raises(DeliveryError, match="expected a build of its marts that passed"):
        seal_day(day.warehouse, as_of=AS_OF, settings=day.settings)

    assert not is_sealed(day.warehouse, AS_OF)


@pytest.mark.parametrize(
    ("mode", "age_hours", "may_leave"),
    [
        ("feed", None, False),
        ("feed", 26, True),
        ("feed", 27, False),
        ("static", None, True),
        ("static", 27, False),
    ],
)
def test_no_list_leaves_without_fresh_flags(day: Day, mode: str, age_hours: int | None, may_leave: bool) -> None:
    day.run("update ops.source_generation set mode = %s", mode)
    if age_hours is not None:
        day.insert(
            "staging.stg_core_banking__feed_status",
            table_name="customer_flags",
            complete_to=day.at(6) - timedelta(hours=age_hours),
        )

    if may_leave:
        seal_day(day.warehouse, as_of=AS_OF, settings=day.settings, now=day.at(6))
    else:
        with pytest.raises(DeliveryError, match="no list of 2020-04-15 may leave"):
            seal_day(day.warehouse, as_of=AS_OF, settings=day.settings, now=day.at(6))

    assert is_sealed(day.warehouse, AS_OF) is may_leave

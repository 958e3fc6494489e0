"""Recall: who paid, opted out or asked for help since the lists left, from what landed since the build."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from delivery_day import AS_OF, Day

from arrears.delivery.ledger import BatchPlan
from arrears.delivery.lists import plan_batches
from arrears.delivery.recall import plan_recalls, write_recall
from arrears.delivery.send import deliver
from arrears.hooks.vendor_sftp import VendorSftp

pytestmark = pytest.mark.postgres


@pytest.fixture
def called(day: Day) -> Day:
    """Three customers, each on the live lists for text messages and calls, with 200.00 overdue on one loan each."""
    for number in (1, 2, 3):
        day.loan(f"L{number}", f"C{number}", Decimal("200.00"))
        for channel in ("sms", "phone"):
            day.contact(channel, f"C{number}", amount_due=Decimal("200.00"))
    plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings)
    day.run("update ops.delivery_batch set state = 'acknowledged'")
    return day


def plans(day: Day, hour: int = 11, minute: int = 0) -> list[BatchPlan]:
    return plan_recalls(day.warehouse, as_of=AS_OF, now=day.at(hour, minute), settings=day.settings)


def recalled(day: Day, hour: int = 11) -> dict[str, dict[str, str]]:
    """By vendor: the reason by customer, of what would be sent now."""
    return {
        plan.vendor: dict(
            day.run("select customer_id, reason from ops.delivery_item where batch_id = %s", plan.batch_id)
        )
        for plan in plans(day, hour)
    }


def everywhere(customer_id: str, reason: str) -> dict[str, dict[str, str]]:
    return {"demo_call": {customer_id: reason}, "demo_sms": {customer_id: reason}}


def flag(day: Day, customer_id: str, name: str, **changes: object) -> None:
    row = {"customer_id": customer_id, "flag": name, "valid_from": AS_OF, "updated_at": day.at(10), **changes}
    day.land("customer_flags", row)


def report(day: Day, vendor: str, customer_id: str, disposition: str, **changes: object) -> None:
    """A result that this vendor sent about its row of the customer."""
    ((batch_id, contact_ref),) = day.run(
        "select item.batch_id, item.contact_ref from ops.delivery_item as item"
        " join ops.delivery_batch as batch using (batch_id)"
        " where batch.kind = 'contact_list' and batch.vendor = %s and item.customer_id = %s",
        vendor,
        customer_id,
    )
    day.insert(
        "landing.vendor_result",
        _vendor=vendor,
        _file_sha256=f"{vendor}{customer_id}{disposition}",
        _line_number=1,
        batch_id=batch_id,
        contact_ref=contact_ref,
        contact_point_ref="phone",
        attempted_at=day.at(10),
        disposition=disposition,
        **changes,
    )


def test_nothing_new_recalls_nobody(called: Day) -> None:
    assert plans(called) == []


# Money --------------------------------------------------------------------------------------------------------------


def test_a_customer_who_paid_is_recalled_from_every_live_list(called: Day) -> None:
    called.pay("L1", "200.00", "T1")

    assert recalled(called) == everywhere("C1", "nothing_due")


@pytest.mark.parametrize(
    ("kind", "amount", "is_recalled"),
    [
        ("repayment", "199.99", False),
        ("repayment", "200.00", True),
        ("repayment", "500.00", True),
        ("waiver", "200.00", True),
        ("recovery", "200.00", True),
        ("write_off", "200.00", False),
        ("reversal", "200.00", False),
    ],
)
def test_only_money_that_settles_the_arrears_recalls(called: Day, kind: str, amount: str, is_recalled: bool) -> None:
    called.pay("L1", amount, "T1", kind=kind)

    assert bool(recalled(called)) is is_recalled


def test_two_payments_count_together_and_a_reversal_against_them(called: Day) -> None:
    called.pay("L1", "120.00", "T1")
    called.pay("L1", "80.00", "T2")
    called.pay("L2", "200.00", "T3")
    called.pay("L2", "0.01", "T4", kind="reversal")

    assert recalled(called) == everywhere("C1", "nothing_due")


def test_a_payment_whose_reversal_is_taken_back_counts_as_paid(called: Day) -> None:
    called.pay("L1", "200.00", "T1", kind="reversal", reverses="T0")
    assert recalled(called) == {}

    called.pay("L1", "400.00", "T2", kind="reversal", reverses="T1")
    assert recalled(called) == everywhere("C1", "nothing_due")


def test_a_tolerance_is_enough(called: Day) -> None:
    called.insert("staging.delinquency_parameters", jurisdiction="CN", tolerance=Decimal("5.00"), valid_from=AS_OF)
    called.pay("L1", "195.00", "T1")
    called.pay("L2", "194.99", "T2")

    assert recalled(called) == everywhere("C1", "nothing_due")


def test_an_overpaid_loan_does_not_settle_another(called: Day) -> None:
    called.loan("L9", "C1", Decimal("50.00"))
    called.run("update intermediate.int_customers__contact_decision set arrears_amount = 250 where customer_id = 'C1'")
    called.pay("L1", "300.00", "T1")
    assert recalled(called) == {}

    called.pay("L9", "50.00", "T2")
    assert recalled(called) == everywhere("C1", "nothing_due")


@pytest.mark.parametrize(
    ("loan", "amount", "tier", "is_recalled"),
    [
        ("L1", "50.00", "pre_due", True),
        ("L1", "49.99", "pre_due", False),
        ("L9", "50.00", "pre_due", False),
        ("L1", "50.00", "current", False),
        ("L1", "50.00", "warned", True),
    ],
    ids=["the coming instalment", "less", "a loan that is not due", "nothing due", "a loan that is warned of"],
)
def test_who_pays_the_coming_instalment_is_not_reminded_of_it(
    called: Day, loan: str, amount: str, tier: str, is_recalled: bool
) -> None:
    called.run(
        "update intermediate.int_customers__contact_decision"
        " set days_past_due = 0, arrears_amount = 0, amount_due = 50 where customer_id = 'C1'"
    )
    called.loan("L9", "C1", Decimal(0))
    called.run("update marts.fct_loan_delinquency set arrears_amount = 0, tier = %s where loan_id = 'L1'", tier)
    if tier == "warned":
        called.run("update marts.fct_loan_delinquency set tier = 'current' where loan_id = 'L1'")
        called.insert("intermediate.int_loans__warned", loan_id="L1")

    called.pay(loan, amount, "T1")

    assert recalled(called) == (everywhere("C1", "nothing_due") if is_recalled else {})


def test_a_payment_in_one_currency_leaves_the_other(called: Day) -> None:
    called.loan("L9", "C1", Decimal("50.00"), currency="EUR")
    called.pay("L9", "50.00", "T1")

    assert recalled(called) == {}


def test_what_the_build_knew_or_the_gate_has_not_passed_does_not_count(called: Day) -> None:
    known = called.pay("L1", "200.00", "T1")
    called.run("update ops.load_batch set decided_at = %s where batch_id = %s", called.known_at, known)
    for state, loan in (("landed", "L2"), ("aborted", "L3")):
        row = {
            "transaction_id": f"T-{state}",
            "loan_id": loan,
            "kind": "repayment",
            "amount": Decimal("200.00"),
            "effective_on": AS_OF,
            "recorded_at": called.at(10),
        }
        called.land("loan_transactions", row, state=state)

    assert recalled(called) == {}


def test_a_payment_that_takes_effect_later_does_not_count_yet(called: Day) -> None:
    called.pay("L1", "200.00", "T1", effective_on=AS_OF + timedelta(days=1))

    assert recalled(called) == {}


def test_a_quarantined_payment_does_not_count(called: Day) -> None:
    called.pay("L1", "200.00", "T1")
    called.run(
        "insert into quarantine.loan_transactions (_row_id, _batch_id, reason_code, rule_id)"
        " select _row_id, _batch_id, 'X', 'x' from landing.loan_transactions"
    )

    assert recalled(called) == {}


def test_a_payment_that_lands_again_does_not_count_twice(called: Day) -> None:
    known = called.pay("L1", "200.00", "T1")
    called.run("update ops.load_batch set decided_at = %s where batch_id = %s", called.known_at, known)
    called.pay("L1", "200.00", "T1", recorded_at=called.at(11))

    assert recalled(called) == {}


# What people said ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["deceased", "disputed", "hardship_requested", "cease_contact", "something_new"])
def test_a_flag_that_landed_since_recalls_from_every_list(called: Day, name: str) -> None:
    flag(called, "C2", name)

    assert recalled(called) == everywhere("C2", "do_not_contact")


@pytest.mark.parametrize(
    "changes",
    [{"valid_from": AS_OF + timedelta(days=1)}, {"valid_to": AS_OF}],
    ids=["not yet in force", "over"],
)
def test_a_flag_that_is_not_in_force_recalls_nobody(called: Day, changes: dict[str, object]) -> None:
    flag(called, "C2", "deceased", **{"valid_from": AS_OF - timedelta(days=9), **changes})

    assert recalled(called) == {}


def test_a_flag_about_visits_recalls_visits_only(called: Day) -> None:
    flag(called, "C2", "no_visits")
    assert recalled(called) == {}

    called.contact("field_visit", "C2")
    plan_batches(called.warehouse, as_of=AS_OF, settings=called.settings)
    called.run("update ops.delivery_batch set state = 'closed' where vendor = 'demo_visit' and row_count = 0")
    called.run("update ops.delivery_batch set state = 'uploaded' where vendor = 'demo_visit' and state = 'planned'")
    assert recalled(called) in ({}, {"demo_visit": {"C2": "do_not_contact"}})


def test_a_flag_on_the_person_reached_recalls_the_borrowers_row(called: Day) -> None:
    called.run("update ops.delivery_item set contact_customer_id = 'CO-DEBTOR' where customer_id = 'C3'")
    flag(called, "CO-DEBTOR", "deceased")

    assert recalled(called) == everywhere("C3", "do_not_contact")


@pytest.fixture
def offered_care(called: Day) -> Day:
    """The first customer is on the live care list, too, which is worked by telephone."""
    called.run("update ops.delivery_batch set state = 'planned' where channel = 'care'")
    called.contact("care", "C1")
    plan_batches(called.warehouse, as_of=AS_OF, settings=called.settings, vendor="demo_care")
    called.run("update ops.delivery_batch set state = 'acknowledged' where channel = 'care' and row_count > 0")
    return called


@pytest.mark.parametrize(
    ("channel", "vendors"),
    [
        ("sms", {"demo_sms"}),
        ("phone", {"demo_call", "demo_care"}),
        ("care", {"demo_care"}),
        ("all", {"demo_sms", "demo_call", "demo_care"}),
        ("field_visit", set()),
    ],
)
def test_a_refused_consent_recalls_from_the_channels_it_speaks_of(
    offered_care: Day, channel: str, vendors: set[str]
) -> None:
    consent = {"customer_id": "C1", "channel": channel, "consent": "refused", "valid_from": AS_OF}
    offered_care.land("contact_consents", {**consent, "updated_at": offered_care.at(10)})

    assert recalled(offered_care) == {vendor: {"C1": "do_not_contact"} for vendor in vendors}


def point(day: Day, contact_point_id: str, value: str, **changes: object) -> None:
    """A contact point of the first customer changes at the bank."""
    day.point(contact_point_id, "C1", value)
    row = {"contact_point_id": contact_point_id, "customer_id": "C1", "kind": "mobile", "value": value, **changes}
    day.land("contact_points", {**row, "updated_at": day.at(10)})


@pytest.mark.parametrize(
    ("changes", "is_recalled"),
    [
        ({"consent": "refused"}, True),
        ({"is_valid": False}, True),
        ({"relation": "employer"}, True),
        ({"consent": "granted", "is_valid": True, "relation": "self"}, False),
    ],
)
@pytest.mark.parametrize("point_id", ["P1", "COPY"])
def test_a_number_that_may_not_be_used_any_more_recalls_its_rows(
    called: Day, changes: dict[str, object], is_recalled: bool, point_id: str
) -> None:
    point(called, point_id, "+86 138-0000-0001", **changes)

    assert recalled(called) == (everywhere("C1", "do_not_contact") if is_recalled else {})


def test_a_number_that_is_corrected_and_refused_at_once_recalls_its_rows(called: Day) -> None:
    called.point("P1", "C1", "+86 138-0000-0001")
    row = {"contact_point_id": "P1", "customer_id": "C1", "kind": "mobile", "value": "+8613900000009"}
    called.land("contact_points", {**row, "consent": "refused", "updated_at": called.at(10)})

    assert recalled(called) == everywhere("C1", "do_not_contact")


def test_a_refused_alternate_number_recalls_the_calls_and_another_one_nothing(called: Day) -> None:
    called.run(
        "update intermediate.int_customers__contact_decision set alternate_contact_point_id = 'P1-2'"
        " where channel = 'phone' and customer_id = 'C1'"
    )
    point(called, "P9", "+8613800009999", consent="refused")
    assert recalled(called) == {}

    point(called, "P1-2", "+8613811111111", consent="refused")
    assert recalled(called) == {"demo_call": {"C1": "do_not_contact"}}


@pytest.mark.parametrize(
    ("name", "jurisdiction", "valid_from", "is_recalled"),
    [
        ("moratorium", "CN", AS_OF, True),
        ("moratorium", "CN", AS_OF + timedelta(days=1), False),
        ("moratorium", "GB", AS_OF, False),
        ("disputed", "CN", AS_OF, False),
    ],
    ids=["as his pack says", "not yet", "another pack", "another reason"],
)
@pytest.mark.parametrize(("flagged", "other"), [("C1", "C2"), ("C2", "C1")], ids=["borrower", "co-debtor"])
def test_what_holds_for_a_debtor_recalls_who_owes_with_him(
    called: Day, name: str, jurisdiction: str, valid_from: date, is_recalled: bool, flagged: str, other: str
) -> None:
    rule = {"reason_code": "MORATORIUM", "parameter": "joint_debtors=true", "valid_from": valid_from}
    called.insert("staging.contact_rules", jurisdiction=jurisdiction, **rule)
    for party, role in (("C2", "co_debtor"), ("C3", "guarantor")):
        called.insert("staging.stg_core_banking__loan_parties", loan_id="L1", customer_id=party, role=role)

    flag(called, flagged, name)

    left_alone = dict.fromkeys([flagged, other] if is_recalled else [flagged], "do_not_contact")
    assert recalled(called) == {"demo_call": left_alone, "demo_sms": left_alone}


def test_what_a_vendor_heard_of_a_debtor_recalls_who_owes_with_him(called: Day) -> None:
    rule = {"reason_code": "DISPUTED", "parameter": "joint_debtors=true", "valid_from": AS_OF}
    called.insert("staging.contact_rules", jurisdiction="CN", **rule)
    called.insert("staging.stg_core_banking__loan_parties", loan_id="L1", customer_id="C2", role="co_debtor")

    report(called, "demo_call", "C1", "disputed")

    assert recalled(called)["demo_sms"] == {"C1": "do_not_contact", "C2": "do_not_contact"}


@pytest.mark.parametrize(
    ("changes", "is_recalled"),
    [
        ({"starts_on": AS_OF}, True),
        ({"starts_on": AS_OF + timedelta(days=16), "accepted_on": AS_OF}, True),
        ({"starts_on": AS_OF + timedelta(days=16), "accepted_on": AS_OF + timedelta(days=1)}, False),
        ({"starts_on": AS_OF, "ended_on": AS_OF}, False),
        ({"starts_on": AS_OF, "status": "offered"}, False),
    ],
    ids=["begins today", "accepted today, begins later", "not accepted yet", "ended today", "offered"],
)
def test_a_plan_recalls_from_its_acceptance(called: Day, changes: dict[str, object], is_recalled: bool) -> None:
    called.land(
        "hardship_arrangements",
        {
            "arrangement_id": "A1",
            "loan_id": "L1",
            "kind": "payment_pause",
            "ends_on": AS_OF + timedelta(days=30),
            "status": "accepted",
            "updated_at": called.at(10),
            **changes,
        },
    )

    assert recalled(called) == (everywhere("C1", "do_not_contact") if is_recalled else {})


@pytest.mark.parametrize("disposition", ["opt_out", "deceased", "disputed", "hardship_request"])
def test_what_one_vendor_heard_recalls_from_the_others_too(called: Day, disposition: str) -> None:
    report(called, "demo_call", "C1", disposition)

    assert recalled(called) == everywhere("C1", "do_not_contact")


def test_a_row_that_its_vendor_reported_final_is_not_recalled_from_it(called: Day) -> None:
    report(called, "demo_call", "C1", "opt_out")
    called.run("update ops.delivery_item set is_final = true where batch_id like 'phone%%' and customer_id = 'C1'")

    assert recalled(called) == {"demo_sms": {"C1": "do_not_contact"}}


def test_a_promise_recalls_from_the_vendors_who_did_not_take_it(called: Day) -> None:
    report(called, "demo_call", "C1", "promise_to_pay", promise_amount=Decimal("200.00"), promise_on=AS_OF)

    assert recalled(called) == {"demo_sms": {"C1": "promise_made"}}


def test_a_promise_made_to_the_bank_recalls_from_every_list(called: Day) -> None:
    called.land(
        "customer_interactions",
        {
            "interaction_id": "I1",
            "customer_id": "C1",
            "direction": "inbound",
            "channel": "phone",
            "occurred_at": called.at(10),
            "disposition": "promise_to_pay",
            "updated_at": called.at(10),
        },
    )

    assert recalled(called) == everywhere("C1", "promise_made")


@pytest.mark.parametrize("disposition", ["no_answer", "voicemail", "delivered", "refused", "right_party_no_promise"])
def test_an_attempt_that_changes_nothing_recalls_nobody(called: Day, disposition: str) -> None:
    report(called, "demo_call", "C1", disposition)

    assert recalled(called) == {}


def test_a_wrong_number_is_recalled_wherever_it_is_listed_and_other_numbers_stay(called: Day) -> None:
    called.run(
        "update ops.delivery_item set contact_point_id = 'OTHER' where batch_id like 'sms%%' and customer_id = 'C2'"
    )
    report(called, "demo_call", "C1", "wrong_party")
    report(called, "demo_call", "C2", "invalid_number")

    assert recalled(called) == {
        "demo_call": {"C1": "do_not_contact", "C2": "do_not_contact"},
        "demo_sms": {"C1": "do_not_contact"},
    }


def test_a_vendor_is_not_told_why_a_customer_must_be_left_alone(called: Day) -> None:
    flag(called, "C1", "vulnerable")
    (plan, _) = plans(called)

    write_recall(called.warehouse, batch_id=plan.batch_id, settings=called.settings)

    assert called.content(plan.batch_id).decode().splitlines()[0] == "contact_ref,reason,recalled_at"
    assert "vulnerable" not in called.content(plan.batch_id).decode().lower()


# The day's files ----------------------------------------------------------------------------------------------------


def test_no_new_file_when_nothing_changed(called: Day) -> None:
    called.pay("L1", "200.00", "T1")
    first = plans(called)
    assert plans(called) == first  # not sent yet: the same plan again
    called.run("update ops.delivery_batch set state = 'uploaded' where kind = 'recall'")

    assert plans(called, hour=12) == []


def test_a_recall_is_cumulative_and_keeps_when_each_row_was_recalled(called: Day) -> None:
    called.pay("L1", "200.00", "T1")
    for plan in plans(called, hour=10):
        write_recall(called.warehouse, batch_id=plan.batch_id, settings=called.settings)
    called.run("update ops.delivery_batch set state = 'uploaded' where kind = 'recall'")
    flag(called, "C2", "deceased")

    second = {plan.vendor: plan for plan in plans(called, hour=11)}["demo_sms"]
    write_recall(called.warehouse, batch_id=second.batch_id, settings=called.settings)

    assert second.batch_id == "recall-demo_sms-20200415-02"
    rows = called.rows(second.batch_id)
    assert {(row["reason"], row["recalled_at"]) for row in rows} == {
        ("nothing_due", "2020-04-15T10:00:00+08:00"),
        ("do_not_contact", "2020-04-15T11:00:00+08:00"),
    }


def test_a_recall_that_has_not_left_is_superseded_by_a_larger_one(called: Day) -> None:
    called.pay("L1", "200.00", "T1")
    first = {plan.vendor: plan for plan in plans(called)}["demo_sms"]
    called.pay("L2", "200.00", "T2")

    second = {plan.vendor: plan for plan in plans(called)}["demo_sms"]

    assert (called.state(first.batch_id), second.supersedes, second.row_count) == ("superseded", first.batch_id, 2)


def test_a_recall_that_may_be_at_the_vendor_is_sent_again_and_followed_by_the_larger_one(called: Day) -> None:
    called.pay("L1", "200.00", "T1")
    first = {plan.vendor: plan for plan in plans(called)}["demo_sms"]
    called.run("update ops.delivery_batch set sending_since = now() where batch_id = %s", first.batch_id)
    called.pay("L2", "200.00", "T2")

    both = [plan for plan in plans(called) if plan.vendor == "demo_sms"]

    assert [(plan.batch_id, plan.row_count, plan.supersedes) for plan in both] == [
        ("recall-demo_sms-20200415-01", 1, None),
        ("recall-demo_sms-20200415-02", 2, None),
    ]


@pytest.mark.parametrize("state", ["planned", "written", "refused", "expired", "superseded", "closed"])
def test_only_lists_that_a_vendor_is_working_are_recalled_from(called: Day, state: str) -> None:
    called.run("update ops.delivery_batch set state = %s where vendor = 'demo_sms'", state)
    called.pay("L1", "200.00", "T1")

    assert recalled(called) == {"demo_call": {"C1": "nothing_due"}}


def test_a_list_whose_windows_are_over_is_not_recalled_from(called: Day) -> None:
    called.pay("L1", "200.00", "T1")

    assert recalled(called, hour=19) == {}


def test_a_recall_is_valid_as_long_as_the_lists_it_speaks_of(called: Day) -> None:
    called.pay("L1", "200.00", "T1")

    assert {plan.valid_until for plan in plans(called)} == {called.at(19)}


@pytest.mark.sftp
def test_a_recall_reaches_the_vendor_as_a_file_with_its_manifest(
    called: Day, connect: Callable[[str], VendorSftp], vendor_files: Callable[[str], Path]
) -> None:
    called.pay("L1", "200.00", "T1")
    plan = {plan.vendor: plan for plan in plans(called)}["demo_sms"]

    for _ in range(2):  # run again: the same
        write_recall(called.warehouse, batch_id=plan.batch_id, settings=called.settings)
        with connect("demo_sms") as sftp:
            deliver(called.warehouse, sftp, batch_id=plan.batch_id, settings=called.settings, now=called.at(11, 1))

    directory = vendor_files("demo_sms") / "outbound" / "20200415"
    manifest = json.loads((directory / f"{plan.batch_id}.manifest.json").read_text())
    assert (manifest["kind"], manifest["channel"], manifest["files"][0]["rows"]) == ("recall", "all", 1)
    (row,) = csv.DictReader((directory / f"{plan.batch_id}.csv").read_text().splitlines())
    ((own_ref,),) = called.run(
        "select contact_ref from ops.delivery_item where batch_id like 'sms%%' and customer_id = 'C1'"
    )
    assert row == {"contact_ref": own_ref, "reason": "nothing_due", "recalled_at": "2020-04-15T11:00:00+08:00"}


def test_the_build_that_sealed_the_day_is_the_one_that_counts(called: Day) -> None:
    """A later build of the day knows the payment, but the lists were decided by the sealed one."""
    called.insert("ops.sealed_day", generation=1, as_of=AS_OF, build_id=called.build_id)
    called.pay("L1", "200.00", "T1")
    called.known_at = datetime.now(UTC)
    called.build()

    assert recalled(called) == everywhere("C1", "nothing_due")

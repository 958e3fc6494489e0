"""Planning, writing and gating contact lists, on a warehouse with a day's decisions."""

import csv
import hashlib
import io
import json
import logging
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import jsonschema
import pytest
from delivery_day import AS_OF, VENDOR_OF, Day

from arrears.delivery import list_gate, lists
from arrears.delivery.lists import gate_batch, plan_batches, write_batch
from arrears.delivery.statements import statement
from arrears.delivery.vendors import get_vendor
from arrears.errors import DeliveryError, GateBrokenError, GateError
from arrears.settings import PROJECT_ROOT

pytestmark = pytest.mark.postgres
SMS_BATCH = "sms-demo_sms-20200415-01"


def plan(day: Day, vendor: str = "demo_sms") -> str:
    (batch,) = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings, vendor=vendor)
    return batch.batch_id


def written(day: Day, vendor: str = "demo_sms") -> str:
    day.release(vendor)
    batch_id = plan(day, vendor)
    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    return batch_id


def tamper(day: Day, batch_id: str, content: bytes) -> None:
    day.run("update ops.delivery_file set content = %s where batch_id = %s and position = 0", content, batch_id)


def red_rules(day: Day, batch_id: str) -> set[str]:
    rows = day.run("select rule_id from ops.quality_results where reference = %s and not success", batch_id)
    return {rule_id for (rule_id,) in rows}


# Planning -----------------------------------------------------------------------------------------------------------


def test_every_vendor_gets_a_batch_even_an_empty_one(day: Day) -> None:
    day.contact("sms", "C1")
    day.contact("sms", "C2")

    plans = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings)

    assert {plan.batch_id: plan.row_count for plan in plans} == {
        SMS_BATCH: 2,
        "phone-demo_call-20200415-01": 0,
        "field_visit-demo_visit-20200415-01": 0,
        "legal-demo_law-20200415-01": 0,
        "care-demo_care-20200415-01": 0,
    }


def test_the_database_knows_how_many_rows_a_new_batch_has(day: Day) -> None:
    """Else it takes a batch for empty as long as few others are there, and a gate of a long list takes minutes."""
    for number in range(30):
        day.contact("sms", f"C{number}")
        day.contact("phone", f"C{number}")
    plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings)

    (((plan,),),) = day.run(f"explain (format json) select from ops.delivery_item where batch_id = '{SMS_BATCH}'")

    assert plan["Plan"]["Plan Rows"] == 30


def test_planning_again_is_the_same_plan(day: Day) -> None:
    day.contact("sms", "C1")

    first = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings)
    again = plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings)

    assert again == first
    assert day.run("select count(*) from ops.delivery_batch") == [(5,)]
    assert day.run("select count(*) from ops.delivery_item") == [(1,)]


def test_no_list_without_marts_of_that_day(day: Day) -> None:
    with pytest.raises(DeliveryError, match="expected marts of that day"):
        plan_batches(day.warehouse, as_of=AS_OF + timedelta(days=1), settings=day.settings)


def test_a_list_is_valid_until_its_last_window_ends(day: Day) -> None:
    day.contact("sms", "C1", send_before=day.at(18))
    day.contact("sms", "C2", send_before=day.at(19))

    plans = {plan.channel: plan for plan in plan_batches(day.warehouse, as_of=AS_OF, settings=day.settings)}

    assert plans["sms"].valid_until == day.at(19)
    assert plans["legal"].valid_until == day.at(18)  # no windows: the vendor's cut-off


def test_changed_decisions_supersede_a_plan_that_has_not_left(day: Day) -> None:
    day.contact("sms", "C1")
    first = written(day)
    day.contact("sms", "C2")

    second = plan(day)

    assert second == "sms-demo_sms-20200415-02"
    assert day.state(first) == "superseded"
    assert day.run("select supersedes, state from ops.delivery_batch where batch_id = %s", second) == [
        (first, "planned")
    ]


@pytest.mark.parametrize("state", ["uploaded", "acknowledged", "closed"])
def test_what_the_vendor_has_stays_as_it_was(day: Day, state: str) -> None:
    day.contact("sms", "C1")
    first = written(day)
    day.run("update ops.delivery_batch set state = %s where batch_id = %s", state, first)
    day.contact("sms", "C2")

    assert plan(day) == first
    assert day.state(first) == state


def test_what_the_vendor_may_have_is_not_superseded(day: Day) -> None:
    day.contact("sms", "C1")
    first = written(day)
    day.run("update ops.delivery_batch set sending_since = now() where batch_id = %s", first)
    day.contact("sms", "C2")

    assert plan(day) == first
    assert day.state(first) == "written"


@pytest.mark.parametrize("state", ["refused", "expired"])
def test_a_batch_that_ended_is_planned_anew_only_from_changed_decisions(day: Day, state: str) -> None:
    day.contact("sms", "C1")
    first = written(day)
    day.run("update ops.delivery_batch set state = %s where batch_id = %s", state, first)

    assert plan(day) == first
    day.contact("sms", "C2")
    assert plan(day) == "sms-demo_sms-20200415-02"
    assert day.state(first) == state


@pytest.mark.parametrize(("accepted", "sequence"), [(0, 2), (1, 1)])
def test_a_list_that_its_vendor_refused_whole_is_made_anew_for_who_lost_its_key(
    day: Day, accepted: int, sequence: int
) -> None:
    """What was refused for a count or hash that differs may be worked all the same: somebody has to speak first."""
    day.contact("sms", "C1")
    first = written(day)
    day.run("update ops.delivery_batch set state = 'refused' where batch_id = %s", first)
    day.run(
        "insert into landing.vendor_ack"
        " (_vendor, _file_sha256, batch_id, received_at, rows, sha256, accepted, rejected)"
        " values ('demo_sms', '', %s, now(), 2, '', %s, '[]')",
        first,
        accepted,
    )

    second = plan(day)

    assert second == f"sms-demo_sms-20200415-{sequence:02d}"
    assert plan(day) == second
    assert day.state(first) == "refused"
    with day.warehouse, day.warehouse.cursor() as cursor:
        cursor.execute(statement("reconcile_lists"), {"as_of": AS_OF})
        ((planned, *places),) = cursor.fetchall()
    assert planned == sum(places) == 1


# Writing ------------------------------------------------------------------------------------------------------------


def test_references_are_opaque_and_differ_in_every_batch(day: Day) -> None:
    day.contact("sms", "C1")
    day.contact("phone", "C1")

    rows = [day.rows(written(day, vendor))[0] for vendor in ("demo_sms", "demo_call")]

    references = {rows[0]["contact_ref"], rows[1]["contact_ref"], rows[0]["pay_link_token"]}
    assert len(references) == 3
    assert day.run(
        "select customer_id from ops.delivery_item where pay_link_token = %s", rows[0]["pay_link_token"]
    ) == [("C1",)]


def test_the_same_decisions_give_the_same_bytes_whatever_their_order(day: Day) -> None:
    for customer_id in ("C1", "C2", "C3"):
        day.contact("sms", customer_id)
    batch_id = written(day)
    first = day.content(batch_id)
    day.run("delete from ops.delivery_file")
    day.run("update ops.delivery_batch set state = 'planned' where batch_id = %s", batch_id)
    day.run(
        "create temporary table shuffled as select * from intermediate.int_contact_list__sms order by customer_id desc"
    )
    day.run("truncate intermediate.int_contact_list__sms")
    day.run("insert into intermediate.int_contact_list__sms select * from shuffled")

    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert day.content(batch_id) == first
    references = [row["contact_ref"] for row in day.rows(batch_id)]
    assert references == sorted(references)


def test_writing_again_changes_nothing(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    before = day.run("select * from ops.delivery_file"), day.run("select * from ops.delivery_event")

    write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert (day.run("select * from ops.delivery_file"), day.run("select * from ops.delivery_event")) == before


def test_a_customer_with_two_currencies_has_two_rows_and_totals_are_by_currency(day: Day) -> None:
    day.contact("sms", "C1", amount_due=Decimal("10.10"))
    day.contact("sms", "C2", amount_due=Decimal("20.20"))
    day.contact("sms", "C1", currency="JPY", amount_due=Decimal("300.00"))

    batch_id = written(day)

    assert sorted((row["currency"], row["amount_due"]) for row in day.rows(batch_id)) == [
        ("JPY", "300"),
        ("USD", "10.10"),
        ("USD", "20.20"),
    ]
    assert day.run("select control_totals from ops.delivery_file") == [
        ({"JPY": {"amount_due": "300"}, "USD": {"amount_due": "30.30"}},)
    ]


def test_a_plan_overtaken_by_new_decisions_is_not_written(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = plan(day)
    day.contact("sms", "C2")

    with pytest.raises(DeliveryError, match="decisions changed since it was planned"):
        write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert day.state(batch_id) == "planned"
    assert day.run("select count(*) from ops.delivery_file") == [(0,)]


def test_one_bad_value_keeps_the_list_at_home_and_is_not_told(day: Day, caplog: pytest.LogCaptureFixture) -> None:
    day.contact("sms", "C1")
    day.contact("sms", "C2", phone="013800000002")
    batch_id = plan(day)

    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(DeliveryError, match="phone is not a telephone number") as caught,
    ):
        write_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert day.state(batch_id) == "planned"
    assert "013800000002" not in str(caught.value) + caplog.text


def test_a_superseded_batch_is_not_written(day: Day) -> None:
    day.contact("sms", "C1")
    first = plan(day)
    day.contact("sms", "C2")
    plan(day)

    with pytest.raises(DeliveryError, match="is superseded"):
        write_batch(day.warehouse, batch_id=first, settings=day.settings)


def test_a_key_that_is_not_set_up_is_one_clear_line(day: Day) -> None:
    settings = day.settings.model_copy(update={"home": day.settings.home / "nowhere"})

    with pytest.raises(Exception, match="the secret contact_ref_key is missing"):
        plan_batches(day.warehouse, as_of=AS_OF, settings=settings)


# The gate -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["sms", "phone", "field_visit", "care"])
@pytest.mark.parametrize("rows", [0, 2])
def test_a_list_as_written_passes_and_gets_its_manifest(day: Day, channel: str, rows: int) -> None:
    for number in range(1, rows + 1):
        day.contact(channel, f"C{number}")
    batch_id = written(day, VENDOR_OF[channel])

    results = gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert results and all(result.success for result in results)
    manifest = json.loads(day.content(batch_id, 1))
    schema = json.loads((PROJECT_ROOT / "docs" / "vendors" / "manifest.schema.json").read_text())
    jsonschema.validate(manifest, schema, format_checker=jsonschema.FormatChecker())
    content = day.content(batch_id)
    (file,) = manifest["files"]
    assert (file["name"], file["bytes"], file["rows"]) == (f"{batch_id}.csv", len(content), rows)
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["as_of"] == "2020-04-15"
    assert manifest["valid_until"].endswith("+08:00")
    assert manifest["created_at"].endswith("Z")


def test_a_list_larger_than_one_piece_is_read_whole(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists.list_gate, "CHUNK_ROWS", 2)
    for number in range(1, 6):
        day.contact("sms", f"C{number}")
    batch_id = written(day)

    results = {result.rule_id: result for result in gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)}

    assert all(result.success for result in results.values())
    assert results["phone"].checked_rows == 5


def test_a_gate_that_was_green_is_not_run_again(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    before = day.run("select * from ops.delivery_file order by position")

    assert gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings) == []
    assert day.run("select * from ops.delivery_file order by position") == before


def test_a_planned_batch_has_nothing_to_check(day: Day) -> None:
    batch_id = plan(day)

    with pytest.raises(DeliveryError, match="expected a written one"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)


def rewritten(content: bytes, **changes: str) -> bytes:
    """The file with other values in its first row."""
    reader = csv.DictReader(io.StringIO(content.decode()))
    rows = list(reader)
    rows[0].update(changes)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"phone": "013800000001"}, "phone"),
        ({"phone": "+8613800000002"}, "numbers_of_two_customers"),
        ({"amount_due": "101.01"}, "totals_wrong"),
        ({"amount_due": "-1.00"}, "amount_due"),
        ({"currency": "CNY"}, "currencies_wrong"),
        ({"first_name": "=HYPERLINK(1)"}, "first_name"),
        ({"first_name": "C1"}, "own_ids_in_text"),
        ({"first_name": "L1"}, "own_ids_in_text"),
        ({"first_name": "110101199001010001"}, "own_ids_in_text"),
        ({"phone": "+8613811111111"}, "contact_points_wrong"),
        ({"amount_due": "101.01"}, "amounts_wrong"),
        ({"send_before": "2020-04-15T19:00:01+08:00"}, "windows_wrong"),
        ({"send_after": "2020-04-15T08:59:59+08:00"}, "windows_wrong"),
        ({"send_after": "2020-04-15T19:00:00+08:00"}, "windows_wrong"),
        ({"send_after": "2020-04-15T09:00:00"}, "send_after"),
        ({"contact_ref": "r" + "a" * 26}, "references_not_in_ledger"),
        ({"customer_id": "C1"}, "columns"),
        ({"due_date": "10.04.2020"}, "due_date"),
    ],
)
def test_a_tampered_list_is_stopped(day: Day, changes: dict[str, str], rule: str) -> None:
    day.loan("L1", "C1", Decimal("101.00"))
    day.loan("L2", "C2", Decimal("102.00"))
    day.insert("staging.stg_core_banking__customers", customer_id="C1", national_id="110101199001010001")
    day.contact("sms", "C1")
    day.contact("sms", "C2")
    batch_id = written(day)
    content = day.content(batch_id)
    if next(csv.DictReader(io.StringIO(content.decode())))["phone"].endswith("2"):
        # Rows are in the order of their references: make the first row that of C1.
        header, first, second, end = content.split(b"\n")
        content = b"\n".join((header, second, first, end))
    tamper(day, batch_id, rewritten(content, **changes))

    with pytest.raises(GateError, match=batch_id):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert rule in red_rules(day, batch_id)
    assert day.run("select count(*) from ops.delivery_file where name like '%%manifest%%'") == [(0,)]


@pytest.mark.parametrize(
    ("channel", "changes", "rule"),
    [
        ("phone", {"attempts_left": "3"}, "attempts_wrong"),
        ("phone", {"days_past_due": "39"}, "days_wrong"),
        ("phone", {"alternate_phone": "+8613811111111"}, "contact_points_wrong"),
        ("field_visit", {"address": "1 Short Road"}, "contact_points_wrong"),
        ("field_visit", {"days_past_due": "41"}, "days_wrong"),
        ("care", {"phone": "+8613811111111"}, "contact_points_wrong"),
    ],
)
def test_a_row_that_says_more_than_was_decided_is_stopped(
    day: Day, channel: str, changes: dict[str, str], rule: str
) -> None:
    day.contact(channel, "C1")
    batch_id = written(day, VENDOR_OF[channel])
    tamper(day, batch_id, rewritten(day.content(batch_id), **changes))

    with pytest.raises(GateError, match=f"{rule} 1"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert red_rules(day, batch_id) == {rule}


def test_amounts_of_two_rows_that_were_exchanged_are_noticed(day: Day) -> None:
    """Their sum is right."""
    day.contact("sms", "C1")
    day.contact("sms", "C2")
    batch_id = written(day)
    content = day.content(batch_id)
    exchanged = content.replace(b"101.00", b"<>").replace(b"102.00", b"101.00").replace(b"<>", b"102.00")
    tamper(day, batch_id, exchanged)

    with pytest.raises(GateError, match="amounts_wrong 2"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert red_rules(day, batch_id) == {"amounts_wrong"}


def test_a_number_of_somebody_else_is_stopped_though_the_ledger_names_it(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    day.run("update staging.stg_core_banking__contact_points set customer_id = 'C2'")

    with pytest.raises(GateError, match="contact_points_wrong 1"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)


def test_a_file_that_lacks_a_row_or_holds_one_twice_is_stopped(day: Day) -> None:
    day.contact("sms", "C1")
    day.contact("sms", "C2")
    batch_id = written(day)
    header, first, second, end = day.content(batch_id).split(b"\n")

    tamper(day, batch_id, b"\n".join((header, first, end)))
    with pytest.raises(GateError):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    assert {"file_rows", "totals_wrong"} <= red_rules(day, batch_id)

    tamper(day, batch_id, b"\n".join((header, first, first, second, end)))
    with pytest.raises(GateError):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    assert {"file_rows", "contact_ref_unique", "references_twice"} <= red_rules(day, batch_id)


def test_a_row_that_is_no_longer_decided_is_stopped(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    day.run("update marts.fct_contact_decision set decision = 'suppress', reason_code = 'DECEASED'")

    with pytest.raises(GateError):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert {"items_without_decision", "decided_rows"} <= red_rules(day, batch_id)


def test_a_decided_contact_that_is_not_on_the_list_is_noticed(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    row = {"as_of": AS_OF, "customer_id": "C9", "currency": "USD", "vendor": "demo_sms"}
    day.decide("sms", row, "contact")

    with pytest.raises(GateError):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert "decisions_without_item" in red_rules(day, batch_id)


def test_one_number_for_two_customers_on_two_lists_of_a_day_is_stopped(day: Day) -> None:
    day.contact("sms", "C1")
    day.contact("phone", "C2", alternate_phone="+8613800000001")
    batch_id = written(day)

    with pytest.raises(GateError):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert red_rules(day, batch_id) == {"numbers_of_two_customers"}


# What must always hold ------------------------------------------------------------------------------------------------


def break_rule(day: Day, rule: str, customer_id: str = "C1", **columns: object) -> None:
    """What the table of broken rules says of a row of the ledger."""
    row = {"as_of": AS_OF, "customer_id": customer_id, "currency": "USD", "channel": "sms", "rule": rule}
    day.insert("intermediate.int_contacts__breach", **(row | columns))


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("held", "a flag, an arrangement, a promise"),
        ("refused", "refused the channel"),
        ("outside_hours", "within the hours of the pack"),
        ("over_limit", "no limit exceeded"),
        ("wrong_contact_point", "from a lawful source"),
        ("number_of_two", "no number that is used for two customers"),
        ("third_party", "only the debtor, a co-debtor"),
        ("not_owed", "as the customer's own loans have them"),
    ],
)
def test_a_list_of_which_a_row_breaks_a_rule_stays_at_home_and_says_which(day: Day, rule: str, says: str) -> None:
    day.contact("sms", "C1")
    day.contact("sms", "C2")
    batch_id = written(day)
    break_rule(day, rule)

    with pytest.raises(GateError, match=f"{rule}: .*{says}.*{rule} 1"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert red_rules(day, batch_id) == {rule}


def test_rules_that_other_rows_break_are_no_matter_of_this_list(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    break_rule(day, "held", "C2")
    break_rule(day, "held", channel="phone")
    break_rule(day, "held", currency="CNY")
    break_rule(day, "held", as_of=AS_OF + timedelta(days=1))

    assert all(result.success for result in gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings))


def test_what_a_later_build_learned_is_for_the_recalls(day: Day) -> None:
    """The day is sealed: its decisions cannot follow, and a list that waits for its vendor must still leave."""
    day.contact("sms", "C1")
    batch_id = written(day)
    day.build()
    break_rule(day, "held")

    assert all(result.success for result in gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings))


def test_a_rule_that_the_gate_does_not_know_is_not_passed_over(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    break_rule(day, "unheard_of")

    with pytest.raises(GateBrokenError, match="no rule unheard_of"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)


def test_a_list_of_a_day_that_is_not_sealed_is_stopped(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    day.run("delete from ops.sealed_day")

    with pytest.raises(GateError, match="day_not_sealed 1"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert red_rules(day, batch_id) == {"day_not_sealed"}


@pytest.mark.parametrize("state", ["planned", "written", "uploaded", "refused"])
def test_no_list_before_the_vendor_took_its_stop_file(day: Day, state: str) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    day.run("update ops.delivery_batch set state = %s where kind = 'stop'", state)

    with pytest.raises(GateError, match="stop_file_not_taken 1"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert red_rules(day, batch_id) == {"stop_file_not_taken"}


def test_more_rows_than_the_vendor_can_work_are_stopped(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    day.contact("sms", "C1")
    day.contact("sms", "C2")
    batch_id = written(day)
    small = replace(get_vendor(day.warehouse, "demo_sms"), daily_capacity=1)
    monkeypatch.setattr(list_gate, "get_vendor", lambda *_: small)

    with pytest.raises(GateError, match="rows_over_capacity 1"):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert red_rules(day, batch_id) == {"rows_over_capacity"}


def test_a_red_gate_tells_counts_and_never_values(day: Day, caplog: pytest.LogCaptureFixture) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    tamper(day, batch_id, rewritten(day.content(batch_id), phone="013812345678", first_name="=Secret"))

    with caplog.at_level(logging.DEBUG), pytest.raises(GateError) as caught:
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    kept = str(day.run("select * from ops.quality_results")) + str(day.run("select * from ops.delivery_event"))
    told = str(caught.value) + caplog.text + kept
    assert "013812345678" not in told
    assert "Secret" not in told
    assert "phone: telephone numbers in E.164" in str(caught.value)


def test_a_red_batch_can_pass_once_it_is_right(day: Day) -> None:
    day.contact("sms", "C1")
    batch_id = written(day)
    right = day.content(batch_id)
    tamper(day, batch_id, rewritten(right, phone="1"))
    with pytest.raises(GateError):
        gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)
    tamper(day, batch_id, right)
    sha256 = hashlib.sha256(right).hexdigest()
    day.run("update ops.delivery_file set sha256 = %s where batch_id = %s", sha256, batch_id)

    gate_batch(day.warehouse, batch_id=batch_id, settings=day.settings)

    assert red_rules(day, batch_id) == set()
    assert json.loads(day.content(batch_id, 1))["files"][0]["sha256"] == sha256

"""Who is contacted and why not: from landing to the decision ledger, on one portfolio that is built a few times.

The tests of this module run in order: each later build is of the same days after something has happened.
"""

import copy
import random
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from decision_cases import FORMER_NUMBER, Case, build_cases
from decision_invariants import difference, violations
from decision_oracle import Decision, DecisionOracle, Key
from decision_policy import Policy
from decision_portfolio import Populace, known
from decision_world import AS_OF, Row, World
from hand_made_models import models_of_cards
from marts_warehouse import Warehouse, new_warehouse

from arrears.settings import Settings

pytestmark = pytest.mark.postgres

MODELS = "+path:models/marts/decisions +path:models/intermediate/contact_lists path:models/staging/vendor"
BUILD = f"{MODELS} --exclude-resource-type test"
MEASURE = "int_contacts__breach --exclude-resource-type test"
TESTED = ("staging/vendor", "intermediate/decisions", "intermediate/contact_lists", "marts/decisions")
TESTS = " ".join(
    [f"path:models/{part},resource_type:test" for part in TESTED]
    + ["every_customer_in_scope_is_decided", "every_contact_is_on_its_list"]
)
CHANNELS = ["care", "field_visit", "legal", "phone", "sms"]
LEDGER = "select * from intermediate.int_customers__contact_decision order by customer_id, channel, currency"


class Decided:
    """A built portfolio: its source rows, what is expected of it, and its warehouse."""

    def __init__(
        self, warehouse: Warehouse, rows: dict[str, list[Row]], cases: list[Case], oracle: DecisionOracle
    ) -> None:
        self.warehouse = warehouse
        self.rows = rows
        self.cases = cases
        self.oracle = oracle
        self.expected: dict[Key, Decision] = oracle.decide()

    def row(self, customer_id: str, channel: str, currency: str = "CNY") -> dict[str, Any]:
        rows = self.warehouse.rows(
            "select * from marts.fct_contact_decision where customer_id = %s and channel = %s and currency = %s",
            customer_id,
            channel,
            currency,
        )
        assert len(rows) == 1, f"{customer_id} {channel} {currency}: {len(rows)} rows"
        return rows[0]

    def ledger(self) -> list[dict[str, Any]]:
        return self.warehouse.rows(LEDGER)


def _world() -> tuple[World, list[Case]]:
    world = World()
    cases = build_cases(world)
    world.customer("held")
    world.customer("put_right")
    cases += [("held", "phone", "DATA_HOLD"), ("put_right", "phone", None)]
    for seed in (1, 2):
        Populace(world, seed, f"r{seed}_", has_lists=False).add(120)
    return world, cases


@pytest.fixture(scope="module")
def decided(server: Settings) -> Iterator[Decided]:
    world, cases = _world()
    rows = copy.deepcopy(world.rows)
    former = [row for row in world.rows["contact_points"] if row["value"] == FORMER_NUMBER]
    bank = known(world, held=frozenset({"held"}), earlier_points=former)
    bank.rows["contact_points"] = [row for row in rows["contact_points"] if row["value"] != FORMER_NUMBER]
    oracle = DecisionOracle(bank, Policy(server.policy_dir, AS_OF))
    with new_warehouse(server) as warehouse:
        world.land(warehouse.connection)
        models_of_cards(warehouse.connection, AS_OF)
        _reject_a_row_of(warehouse, "held")
        _reject_a_row_of(warehouse, "put_right", days=-1)
        warehouse.build(AS_OF, select=BUILD)
        yield Decided(warehouse, rows, cases, oracle)


def _reject_a_row_of(warehouse: Warehouse, customer_id: str, days: int = 1) -> None:
    """The gate rejected a version of the customer that is so many days newer than the one that passed."""
    warehouse.execute(
        "insert into quarantine.customers"
        " (_row_id, _batch_id, reason_code, rule_id, customer_id, jurisdiction, updated_at)"
        " select -_row_id, _batch_id, 'MISSING', 'test', customer_id, jurisdiction, updated_at + %s * interval '1 day'"
        " from landing.customers where customer_id = %s",
        days,
        customer_id,
    )


_CASES = _world()[1]


@pytest.mark.parametrize(("customer_id", "channel", "reason"), _CASES, ids=lambda value: str(value))
def test_case_gets_its_reason_and_near_miss_does_not(
    decided: Decided, customer_id: str, channel: str, reason: str | None
) -> None:
    row = decided.row(customer_id, channel)

    if reason is None:
        assert (row["decision"], row["all_reasons"], row["reason_code"]) == ("contact", [], None)
    else:
        assert row["decision"] == "suppress"
        assert reason in row["all_reasons"]
        assert row["reason_code"] == row["all_reasons"][0]


def test_promises_of_the_models_hold(decided: Decided) -> None:
    """dbt's own tests of keys and identities; a failure raises."""
    result = decided.warehouse.build(AS_OF, select=TESTS, passes=False)

    assert result.models["pass"] > 60


# Rows that no build would write: customer, channel, what is written into the row beside `contact`, the rule broken.
FORGED = [
    ("deceased_now", "phone", "", "held"),
    ("martian_now", "phone", "", "held"),
    ("paused", "phone", "", "held"),
    ("reduced_kept", "care", "", "held"),
    ("promise_due", "phone", "", "held"),
    ("complaint_open", "phone", "", "held"),
    ("with_joint", "phone", "", "held"),
    ("told_disputed", "phone", "", "held"),
    ("no_visits_now", "field_visit", "", "held"),
    ("talked_6", "phone", "", "held"),
    ("no_calls", "phone", "", "refused"),
    ("all_refused", "sms", "", "refused"),
    ("opted_out", "phone", "", "refused"),
    ("vanished", "field_visit", "window_end = window_end + interval '1 minute'", "outside_hours"),
    ("evenings", "phone", "window_start = window_start - interval '1 minute'", "outside_hours"),
    ("anywhere_us", "phone", "window_start = window_start - interval '1 minute'", "outside_hours"),
    ("nowhere", "phone", "window_start = '2026-03-18 02:00+00', window_end = '2026-03-18 09:00+00'", "outside_hours"),
    ("m2", "phone", "attempts = 4", "over_limit"),
    ("week_7", "phone", "attempts = 1", "over_limit"),
    ("planned", "phone", "attempts = 1", "over_limit"),
    ("texted_today", "sms", "attempts = 1", "over_limit"),
    ("third_party", "phone", "contact_point_id = 'third_party-P1'", "wrong_contact_point"),
    ("bought", "phone", "contact_point_id = 'bought-P1'", "wrong_contact_point"),
    ("told_wrong_party", "phone", "contact_point_id = 'told_wrong_party-P1'", "wrong_contact_point"),
    ("public", "phone", "contact_point_id = 'm7-P1'", "wrong_contact_point"),
    ("unsaid", "phone", "contact_point_id = 'unheard_of'", "wrong_contact_point"),
    ("shared_a", "phone", "contact_point_id = 'shared_a-P1'", "number_of_two"),
    ("shared_b", "phone", "contact_point_id = 'shared_b-P1'", "number_of_two"),
    ("m1_7", "sms", "contact_customer_id = 'm4'", "third_party"),
    ("small", "phone", "amount_due = 10.01", "not_owed"),
    ("m4", "phone", "days_past_due = 99", "not_owed"),
    ("tiny", "phone", "", "not_owed"),
]


# The tests of dbt in `docs/invariants.md` that look at the day's decisions: each is broken by what is forged.
PROMISES = {
    "every_customer_in_scope_is_decided",
    "every_contact_is_on_its_list",
    "nobody_is_contacted_during_a_hold",
    "nobody_is_contacted_by_a_channel_that_he_refused",
    "nobody_is_contacted_outside_the_hours_of_his_clock",
    "no_limit_is_exceeded_by_what_happened_and_what_is_planned",
    "everybody_is_reached_at_a_place_of_his_own_from_a_lawful_source",
    "no_number_is_used_for_two_customers",
    "no_third_party_is_contacted",
    "order_of_a_list_is_total",
    "decision_can_be_reproduced",
    "what_is_asked_for_is_owed",
    "delinquency_identities_hold",
}


@pytest.fixture
def forged(decided: Decided) -> Iterator[Decided]:
    """A ledger into which somebody wrote; afterwards it is as it was."""
    ledger = "intermediate.int_customers__contact_decision"
    counted = "update intermediate.int_loans__delinquency set days_past_due_counted = days_past_due_counted"
    execute = decided.warehouse.execute
    execute(f"create table public.as_built as select * from {ledger}")
    for customer_id, channel, columns, _ in FORGED:
        row = ", ".join(filter(None, ("decision = 'contact', reason_code = null, all_reasons = '{}'", columns)))
        execute(f"update {ledger} set {row} where customer_id = %s and channel = %s", customer_id, channel)
    execute(f"update {ledger} set attempts = 1 where decision = 'contact' and attempts is null")
    execute(f"delete from {ledger} where customer_id = 'm1_8' and channel = 'legal'")
    execute(f"update {ledger} set policy_id = null where customer_id = 'm1_8' and channel = 'care'")
    execute(f"update {ledger} set priority = 1 where channel = 'sms'")
    execute(f"{counted} - 1000")
    decided.warehouse.build(AS_OF, select=MEASURE, passes=False)
    yield decided
    execute(f"{counted} + 1000")
    execute(f"delete from {ledger}")
    execute(f"insert into {ledger} select * from public.as_built")
    execute("drop table public.as_built")


def test_forged_rows_are_found_each_by_its_rule(forged: Decided) -> None:
    breaches = forged.warehouse.rows("select customer_id, channel, rule from intermediate.int_contacts__breach")
    found = {(row["customer_id"], row["channel"], row["rule"]) for row in breaches}

    assert {(customer_id, channel, rule) for customer_id, channel, _, rule in FORGED} - found == set()
    # Nothing is said of rows that are as they were built.
    assert {customer_id for customer_id, _, _ in found} == {customer_id for customer_id, *_ in FORGED}


def test_each_promise_that_is_broken_turns_red_by_its_name(forged: Decided) -> None:
    assert forged.warehouse.red(AS_OF, PROMISES) == PROMISES


def test_a_sealed_day_is_not_measured_by_later_facts(forged: Decided) -> None:
    """Its decisions cannot follow any more: what is new since is for recalls."""
    forged.warehouse.execute("insert into ops.sealed_day (generation, as_of) values (1, %s)", AS_OF)
    try:
        # With its tests: a failure raises.
        forged.warehouse.build(AS_OF, select="int_contacts__breach", passes=False)
        rows = forged.warehouse.rows("select is_sealed from intermediate.int_contacts__breach")
        assert rows and all(row["is_sealed"] for row in rows)
    finally:
        forged.warehouse.execute("delete from ops.sealed_day")


def test_every_decision_is_that_of_an_independent_reading(decided: Decided) -> None:
    """One row for each customer in scope, channel and currency, and all that it says."""
    rows = decided.warehouse.rows("select * from marts.fct_contact_decision")
    ledger = {_key(row): row for row in rows}

    assert len(rows) == len(ledger)
    assert ledger.keys() == decided.expected.keys()
    assert [text for key, row in ledger.items() if (text := difference(row, decided.expected[key]))] == []
    assert list(violations(decided.oracle, rows)) == []


def test_currency_in_which_nothing_is_overdue_is_left_alone(decided: Decided) -> None:
    assert decided.row("two_currencies", "phone", "USD")["reason_code"] == "NOT_IN_ARREARS"
    assert decided.row("two_currencies", "phone", "CNY")["decision"] == "contact"


def test_reasons_come_in_the_order_of_the_seed(decided: Decided) -> None:
    order = {
        row["reason_code"]: row["order"] for row in decided.warehouse.rows("select * from staging.suppression_reasons")
    }
    rows = decided.warehouse.rows("select all_reasons from marts.fct_contact_decision where decision = 'suppress'")

    assert any(len(row["all_reasons"]) > 2 for row in rows)
    for row in rows:
        assert row["all_reasons"] == sorted(set(row["all_reasons"]), key=order.__getitem__)


def test_random_customers_are_not_silenced_without_a_reason(decided: Decided) -> None:
    rows = decided.warehouse.rows(
        "select count(*) filter (where decision = 'contact') as contacts, count(distinct customer_id) as customers"
        " from marts.fct_contact_decision where customer_id ~ '^r[0-9]+_'"
    )
    # A fifth of them at least has nothing on file that would forbid a contact.
    assert rows[0]["contacts"] > rows[0]["customers"] / 5


@pytest.mark.parametrize(
    ("customer_id", "attempts"), [("m2", 3), ("answered_2", 1), ("called_3", 1), ("week_6", 1), ("reported", 1)]
)
def test_call_row_plans_no_more_attempts_than_the_limits_leave(
    decided: Decided, customer_id: str, attempts: int
) -> None:
    assert decided.row(customer_id, "phone")["attempts"] == attempts


def test_several_contacts_of_a_day_share_what_the_limits_leave(decided: Decided) -> None:
    """A text message and three calls fill the four contacts of a day."""
    assert decided.row("m1_8", "sms")["attempts"] + decided.row("m1_8", "phone")["attempts"] == 4


def test_window_is_the_customers_local_day_narrowed_by_his_wish(decided: Decided) -> None:
    own = decided.row("evenings", "phone")
    everywhere = decided.row("anywhere_us", "phone")

    assert [own[name].isoformat() for name in ("window_start", "window_end")] == [
        "2026-03-18T10:00:00+00:00",
        "2026-03-18T11:00:00+00:00",
    ]
    # 08:00 in Honolulu to 21:00 in New York.
    assert [everywhere[name].isoformat() for name in ("window_start", "window_end")] == [
        "2026-03-18T18:00:00+00:00",
        "2026-03-19T01:00:00+00:00",
    ]


def test_capacity_goes_to_the_highest_expected_value(decided: Decided) -> None:
    rows = decided.warehouse.rows(
        "select decision, expected_value, priority from marts.fct_contact_decision"
        " where channel = 'field_visit' and all_reasons <@ array['CAPACITY'] order by priority"
    )

    assert sum(row["decision"] == "contact" for row in rows) == 100
    assert [row["priority"] for row in rows] == list(range(1, len(rows) + 1))
    values = [row["expected_value"] for row in rows]
    assert values == sorted(values, reverse=True)


def test_lists_hold_the_contact_rows_and_nothing_else(decided: Decided) -> None:
    for channel in CHANNELS:
        listed = decided.warehouse.rows(
            "select as_of, customer_id, currency, vendor, contact_point_id"
            f" from intermediate.int_contact_list__{channel} order by customer_id, currency"
        )
        condition = "(decision = 'contact' or all_reasons = array['NOT_APPROVED'])"
        expected = decided.warehouse.rows(
            "select as_of, customer_id, currency, vendor, contact_point_id from marts.fct_contact_decision"
            f" where channel = %s and {condition} order by customer_id, currency",
            channel,
        )
        assert listed == expected
        assert listed, f"no case has a {channel} row"


def test_visitor_is_told_where_a_visit_was_not_safe_before(decided: Decided) -> None:
    rows = decided.warehouse.rows(
        "select customer_id from intermediate.int_contact_list__field_visit where safety_note = 'two_visitors'"
        # Of those by chance it may be true of anybody.
        " and customer_id not like 'r%%'"
    )

    # Whoever may be visited again; where the danger lasts there is no visit at all.
    assert rows == [{"customer_id": "unsafe_address_ended"}]


def test_text_message_speaks_of_what_falls_due_where_nothing_is_overdue(decided: Decided) -> None:
    row = decided.warehouse.rows("select * from intermediate.int_contact_list__sms where customer_id = 'pre3'")[0]

    assert (row["template_id"], str(row["amount_due"]), str(row["due_date"])) == (
        "PRE_DUE_GENTLE",
        "500.00",
        "2026-03-21",
    )


def test_legal_referral_needs_two_people_and_nobody_against_it(decided: Decided) -> None:
    approve = partial(decided.warehouse.approve, AS_OF)
    for customer_id in ("refuses", "breaks_promises"):
        approve(customer_id, "first")
        assert decided.row(customer_id, "legal")["reason_code"] == "NOT_APPROVED"
        approve(customer_id, "second")
        assert decided.row(customer_id, "legal")["decision"] == "contact"
    approve("breaks_promises", "third", verdict=False)
    assert decided.row("breaks_promises", "legal")["reason_code"] == "NOT_APPROVED"
    # Approval opens nothing but what waits for approval.
    for approver in ("first", "second"):
        approve("refuses_vulnerable", approver)
    assert decided.row("refuses_vulnerable", "legal")["decision"] == "suppress"


def test_payment_that_landed_after_the_build_suppresses_at_once(decided: Decided) -> None:
    world = World()
    # Taken back by mistake, and that taken back: it counts.
    world.pay("m2-L1", "500.00", transaction_id="paid")
    world.pay("m2-L1", "500.00", kind="reversal", reverses="paid", transaction_id="taken back")
    world.pay("m2-L1", "500.00", kind="reversal", reverses="taken back")
    world.pay("small-L1", "9.99")
    world.land(decided.warehouse.connection)

    decided.warehouse.build(
        AS_OF,
        select="int_loans__paid_since int_customers__considered int_customers__contact_turn"
        " int_customers__contact_decision --exclude-resource-type test",
    )

    assert decided.row("m2", "phone")["reason_code"] == "PAID_SINCE"
    assert decided.row("small", "phone")["decision"] == "contact"


def test_next_build_knows_the_payment_and_changes_nobody_else(decided: Decided) -> None:
    before = {_key(row): row for row in decided.ledger() if row["customer_id"] not in ("m2", "small")}

    decided.warehouse.build(AS_OF, select=BUILD)

    after = {_key(row): row for row in decided.ledger()}
    # Nothing is overdue any more: the customer is out of scope. What is left of the other is below the minimum.
    assert not [key for key in after if key[0] == "m2"]
    assert decided.row("small", "phone")["reason_code"] == "BELOW_MINIMUM"
    others = {key: row for key, row in after.items() if key[0] != "small"}
    # Ranks among the rows of a vendor move up where one left.
    assert {key: row | {"priority": None} for key, row in others.items()} == {
        key: row | {"priority": None} for key, row in before.items()
    }


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["customer_id"], row["channel"], row["currency"]


def test_sealed_day_is_never_decided_again(decided: Decided) -> None:
    decided.warehouse.execute("insert into ops.sealed_day (generation, as_of) values (1, %s)", AS_OF)
    before = decided.ledger()
    world = World()
    world.flag("m1_7", "deceased")
    world.land(decided.warehouse.connection)

    decided.warehouse.build(AS_OF, select=BUILD)

    assert decided.ledger() == before
    assert decided.row("m1_7", "sms")["decision"] == "contact"


def test_order_of_rows_does_not_matter_and_a_new_generation_decides_afresh(decided: Decided) -> None:
    before = {_key(row): row for row in decided.ledger()}
    world = World()
    world.rows = copy.deepcopy(decided.rows)
    for rows in world.rows.values():
        random.Random(3).shuffle(rows)
    world.land(decided.warehouse.connection, generation=2)
    models_of_cards(decided.warehouse.connection, AS_OF, generation=2)

    decided.warehouse.build(AS_OF, select=BUILD)

    after = {_key(row): row for row in decided.ledger()}
    assert {row["generation"] for row in after.values()} == {2}
    # What vendors reported, and what was rejected, belonged to the old source; payments since then did, too.
    random_ones = {key: row for key, row in before.items() if key[0].startswith("r1_")}
    assert random_ones
    for key, row in random_ones.items():
        # Ranks and what capacity leaves depend on the others too.
        if "CAPACITY" not in {*row["all_reasons"], *after[key]["all_reasons"]}:
            assert after[key] | {"generation": 1, "priority": row["priority"]} == row


def test_next_day_counts_what_the_open_list_was_allowed_and_starves_nobody(decided: Decided) -> None:
    """The lists of the day have left. One visit was put off nine times before, one eight times."""
    put_off = {"visit_000": 9, "visit_001": 8}
    assert {decided.row(name, "field_visit")["reason_code"] for name in put_off} == {"CAPACITY"}
    for name, days in put_off.items():
        decided.warehouse.execute(
            "update intermediate.int_customers__contact_decision set days_waited = %s"
            " where customer_id = %s and channel = 'field_visit'",
            days,
            name,
        )
    decided.warehouse.execute("insert into ops.sealed_day (generation, as_of) values (2, %s)", AS_OF)
    world = World()
    world.plan("week_6", "phone", days_ago=0, valid_days=2)
    world.plan("unlisted", "phone", days_ago=0, valid_days=2)
    world.land(decided.warehouse.connection, generation=2)

    decided.warehouse.build(AS_OF + timedelta(days=1), select=BUILD)

    visits = {
        row["customer_id"]: row
        for row in decided.warehouse.rows(
            "select * from intermediate.int_customers__contact_decision where channel = 'field_visit' and as_of = %s",
            AS_OF + timedelta(days=1),
        )
    }
    # Ten days are the longest that anybody waits: the cheapest of all cases goes first, the next still waits.
    assert (visits["visit_000"]["decision"], visits["visit_000"]["priority"]) == ("contact", 1)
    assert (visits["visit_000"]["days_waited"], visits["visit_001"]["days_waited"]) == (10, 9)
    assert visits["visit_001"]["reason_code"] == "CAPACITY"
    # Whoever was on the list of the day before has not waited.
    assert visits["visit_109"]["days_waited"] == 0
    planned = decided.warehouse.rows("select customer_id, attempts from intermediate.int_customers__planned_contact")
    assert {row["customer_id"]: row["attempts"] for row in planned} == {"week_6": 1, "unlisted": 3}


def test_channel_whose_vendors_take_nobody_is_down_and_no_other(decided: Decided) -> None:
    """Also for those on a vendor's open list: the seed gives no share of the channel to anybody."""
    day = AS_OF + timedelta(days=1)

    def rows_by_channel() -> dict[str, dict[str, Any]]:
        counted = decided.warehouse.rows(
            "select channel, count(*) as of_all, count(*) filter (where decision = 'contact') as contacts,"
            " count(*) filter (where 'VENDOR_DOWN' = any(all_reasons)) as down"
            " from intermediate.int_customers__contact_decision where as_of = %s group by channel",
            day,
        )
        return {row["channel"]: row for row in counted}

    before = rows_by_channel()
    decided.warehouse.execute("update staging.vendors set weight = 0 where channel = 'phone'")
    decided.warehouse.build(
        day,
        select="int_customers__vendor int_customers__considered int_customers__contact_turn"
        " int_customers__contact_decision --exclude-resource-type test",
    )

    after = rows_by_channel()
    assert before["phone"]["contacts"] > 0
    assert after["phone"] == {**before["phone"], "contacts": 0, "down": before["phone"]["of_all"]}
    assert {channel for channel, row in after.items() if row["down"]} == {"phone"}
    reasons = [row["all_reasons"] for row in decided.ledger() if row["as_of"] == day and row["channel"] == "phone"]
    assert ["VENDOR_DOWN"] in reasons

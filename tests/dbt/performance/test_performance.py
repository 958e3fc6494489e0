"""What vendors report becomes attempts, promises and credited money: one small portfolio, built once."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import fair_measurement
import psycopg2
import psycopg2.errors
import pytest
from decision_world import AS_OF, Row, World
from marts_warehouse import Warehouse, new_warehouse

from arrears.settings import Settings
from arrears.simulator.truth import Truth

pytestmark = pytest.mark.postgres

BUILD = "+path:models/marts/performance +path:models/bi path:models/staging/vendor --exclude-resource-type test"
TESTED = ("staging/vendor", "intermediate/performance", "marts/performance", "bi")
MARCH, FEBRUARY = date(2026, 3, 1), date(2026, 2, 1)


def talk(collector: str, disposition: str = "right_party_no_promise", **columns: Any) -> Row:
    return {"disposition": disposition, "collector_id": collector, "currency": "CNY", **columns}


def promise(collector: str, amount: str, on: date) -> Row:
    return talk(collector, "promise_to_pay", promise_amount=Decimal(amount), promise_on=on)


def _staff(world: World) -> None:
    for collector in ("K1", "K2", "GOOD", "BAD"):
        world.add("collectors", collector_id=collector, vendor="demo_call", channel="phone", display_name="A Name")
    for course, done_on in (("conduct", AS_OF - timedelta(days=365)), ("data_protection", AS_OF)):
        world.add("collector_training", collector_id="K1", course=course, completed_on=done_on)
        world.add("collector_training", collector_id="K2", course=course, completed_on=done_on - timedelta(days=1))


def _money(world: World) -> None:
    """Whose the money is: customer, what happened, and (in the test) to whom it is credited."""
    yesterday = AS_OF - timedelta(days=1)

    def customer(name: str, *talks: tuple[int, Row], assigned: tuple[str, int, int | None] | None = None) -> None:
        world.customer(name, arrears="1000.00", dpd=70)
        for days_ago, result in talks:
            world.plan(name, "phone", result, days_ago=days_ago)
        if assigned:
            collector, since, released = assigned
            world.add(
                "collector_assignments",
                collector_id=collector,
                customer_id=name,
                assigned_on=AS_OF - timedelta(days=since),
                released_on=None if released is None else AS_OF - timedelta(days=released),
            )
        world.pay(f"{name}-L1", "100.00", on=yesterday, transaction_id=name)

    customer("day_30", (31, talk("K1")))
    customer("day_31", (32, talk("K1")))
    customer("latest", (10, talk("K1")), (5, talk("K2")))
    customer("same_day", (1, talk("K1", recording_ref="R1")))
    customer("after", (0, talk("K1", recording_ref="R2")))
    customer("wrong", (5, talk("K1", "wrong_party")))
    customer("nobody")
    customer("assigned", assigned=("K2", 20, None))
    customer("released", assigned=("K2", 20, 1))
    customer("not_listed", assigned=("GHOST", 20, None))
    customer("talk_first", (5, talk("K1")), assigned=("K2", 20, None))
    customer("bounced", (5, talk("K1")))
    world.pay("bounced-L1", "40.00", kind="reversal", reverses="bounced")
    customer("all_back", (5, talk("K1")))
    world.pay("all_back-L1", "100.00", kind="reversal", reverses="all_back")
    world.customer("february", arrears="1000.00", dpd=70)
    world.plan("february", "phone", talk("K1"), days_ago=40)
    world.pay("february-L1", "70.00", on=AS_OF - timedelta(days=25), transaction_id="february")
    world.customer("waived", arrears="1000.00", dpd=70)
    world.plan("waived", "phone", talk("K1"), days_ago=5)
    world.pay("waived-L1", "100.00", on=yesterday, kind="waiver", transaction_id="waived")


CREDITED = {
    "day_30": ("K1", "contact", "100.00"),
    "day_31": (None, "none", "100.00"),
    "latest": ("K2", "contact", "100.00"),
    "same_day": ("K1", "contact", "100.00"),
    "after": (None, "none", "100.00"),
    "assigned": ("K2", "assignment", "100.00"),
    "released": (None, "none", "100.00"),
    "not_listed": ("GHOST", "assignment", "100.00"),
    "talk_first": ("K1", "contact", "100.00"),
    "bounced": ("K1", "contact", "60.00"),
    "february": ("K1", "contact", "70.00"),
}

PROMISES = {
    # name: (due, payments as (amount, days after the due day), status, paid)
    "kept": (10, [("150.00", 0), ("50.00", 3)], "kept", "200.00"),
    "late": (10, [("200.00", 4)], "broken", "0.00"),
    "partly": (10, [("199.99", 2)], "partly_kept", "199.99"),
    "early": (10, [("200.00", -10)], "kept", "200.00"),
    "before": (10, [("200.00", -11)], "broken", "0.00"),
    "last_day": (3, [], "open", "0.00"),
    "day_after": (4, [], "broken", "0.00"),
}


def _promises(world: World) -> None:
    for name, (due_days_ago, payments, _, _) in PROMISES.items():
        due_on = AS_OF - timedelta(days=due_days_ago)
        world.customer(f"p_{name}", arrears="1000.00", dpd=70)
        world.plan(f"p_{name}", "phone", promise("K1", "200.00", due_on), days_ago=due_days_ago + 10)
        for amount, days in payments:
            world.pay(f"p_{name}-L1", amount, on=due_on + timedelta(days=days))
    # The bank noted on the same day what the vendor reported.
    world.promise("p_kept", "200.00", days_ago=20, due_days_ago=10)


def _equal_cases(world: World) -> None:
    """Two collectors with ten equal cases each in March; one of them recovers all, the other nothing."""
    for number in range(20):
        collector = "GOOD" if number % 2 else "BAD"
        name = f"case_{number:02d}"
        world.customer(name, arrears="800.00", dpd=170, currency="EUR")
        world.plan(name, "phone", talk(collector, currency="EUR"), days_ago=9, currency="EUR")
        if collector == "GOOD":
            world.pay(f"{name}-L1", "100.00", on=AS_OF - timedelta(days=2))


def _unequal_cases(world: World) -> None:
    """Of both collectors' customers each pays half; one has cases of 200, the other of 800."""
    for number in range(20):
        collector, arrears = ("LARGE", 800) if number % 2 else ("SMALL", 200)
        name = f"sized_{number:02d}"
        world.customer(name, arrears=f"{arrears}.00", dpd=170, currency="CHF")
        world.plan(name, "phone", talk(collector, currency="CHF"), days_ago=9, currency="CHF")
        world.pay(f"{name}-L1", f"{arrears / 2:.2f}", on=AS_OF - timedelta(days=2))


SKILLED = fair_measurement.deal("unequal", collectors=10, cases=40, months=[FEBRUARY], currency="INR", seed=3)
"""Cases of February with collectors whose skill is known."""
APPROVERS = ["anna", "ben"]


def _referrals(world: World) -> list[tuple[str, int]]:
    """Cases with a lawyer; the customer and how many days ago each was referred."""

    def said(disposition: str, days_ago: int, cost: str) -> Row:
        at = world.instant(days_ago=days_ago)
        return {"disposition": disposition, "attempted_at": at, "cost": Decimal(cost), "currency": "CNY"}

    def paid(name: str, amount: str, days_ago: int, **columns: Any) -> str:
        return world.pay(f"{name}-L1", amount, on=AS_OF - timedelta(days=days_ago), **columns)

    for name in ("sued", "given_back", "referred", "referred_again"):
        world.customer(name, arrears="1000.00", dpd=200)
    world.plan("sued", "legal", said("filed", 30, "200.00"), said("settled", 10, "50.00"), days_ago=40)
    paid("sued", "10.00", 41)
    bounced = paid("sued", "300.00", 40)
    paid("sued", "100.00", 3, kind="reversal", reverses=bounced)
    paid("sued", "70.00", 2, kind="recovery")
    world.plan("given_back", "legal", said("returned", 20, "30.00"), days_ago=40)
    paid("given_back", "5.00", 20)
    paid("given_back", "500.00", 19)
    world.plan("referred", "legal", days_ago=5)
    world.plan("referred_again", "legal", days_ago=100)
    world.plan("referred_again", "legal", days_ago=5)
    paid("referred_again", "20.00", 6)
    paid("referred_again", "40.00", 5)
    world.plan("referred", "legal", days_ago=6, state="refused")
    return [("sued", 40), ("given_back", 40), ("referred", 5), ("referred_again", 100), ("referred_again", 5)]


COSTS = {
    # currency: what the vendor reported of each attempt, and what they cost; the contract says 1.20 USD
    "USD": (["2.0000", None], "3.2000"),
    "GBP": (["3.0000", "0.5000"], "3.5000"),
    "JPY": (["3.0000", None], None),
}


def _costs(world: World) -> None:
    for currency, (reported, _) in COSTS.items():
        name = f"costs_{currency}"
        world.customer(name, arrears="1000.00", dpd=70, currency=currency)
        said = [talk("K7", currency=currency, cost=cost and Decimal(cost)) for cost in reported]
        world.plan(name, "phone", *said, days_ago=5, currency=currency)
        world.pay(f"{name}-L1", "64.00", on=AS_OF - timedelta(days=1))


TAKEN_BACK = {
    # name: the stop files and recalls of an attempt at 10:01, as (kind, state, minute past 10); whether it is a breach
    "after_stop": ([("stop", "uploaded", 0)], True),
    "after_recall": ([("recall", "acknowledged", 0)], True),
    "at_that_instant": ([("stop", "uploaded", 1)], False),
    "had_begun": ([("recall", "acknowledged", 2)], False),
    "stopped_twice": ([("stop", "uploaded", 2), ("recall", "uploaded", 0)], True),
    "stop_never_left": ([("stop", "written", 0)], False),
    "stop_expired": ([("recall", "expired", 0)], False),
}


def _taken_back(world: World) -> None:
    for name, (files, _) in TAKEN_BACK.items():
        world.customer(name)
        batch_id = world.plan(name, "phone", talk("K8", "no_answer"), days_ago=2)
        for kind, state, minute in files:
            world.take_back(batch_id, at=world.instant(days_ago=2) + timedelta(minutes=minute), kind=kind, state=state)
    world.customer("late_as_well")
    late = talk("K8", "busy", attempted_at=world.instant(days_ago=0, hour=15))
    world.take_back(world.plan("late_as_well", "phone", late, days_ago=0), at=world.instant(days_ago=0, hour=14))


@pytest.fixture(scope="module")
def measured(server: Settings) -> Iterator[Warehouse]:
    world = World()
    _staff(world)
    _money(world)
    _promises(world)
    _equal_cases(world)
    _unequal_cases(world)
    _taken_back(world)
    referrals = _referrals(world)
    _costs(world)
    world.customer("reported_twice")
    batch_id = world.plan("reported_twice", "phone", talk("K9", "no_answer", cost=Decimal("9.0000")), days_ago=3)
    world.customer("too_late")
    world.plan("too_late", "phone", talk("K9", "busy", attempted_at=world.instant(days_ago=0, hour=15)), days_ago=0)
    world.customer("in_time")
    world.plan("in_time", "phone", talk("K9", "busy", attempted_at=world.instant(days_ago=0, hour=10)), days_ago=0)
    with new_warehouse(server) as warehouse:
        world.land(warehouse.connection)
        fair_measurement.land(warehouse.connection, SKILLED, AS_OF)
        # The same attempt in a later file, corrected.
        warehouse.execute(
            "insert into landing.vendor_result (_vendor, _file_sha256, _line_number, batch_id, contact_ref,"
            " attempted_at, disposition, collector_id, currency)"
            " select _vendor, 'later', 1, batch_id, contact_ref, attempted_at,"
            " 'busy', collector_id, currency from landing.vendor_result where batch_id = %s",
            batch_id,
        )
        warehouse.execute(
            "insert into landing.vendor_qa (_vendor, _file_sha256, _line_number, recording_ref, collector_id,"
            " reviewed_on, score, breach_code) values ('demo_call', 'q', 1, 'R1', 'K1', %s, 80, null),"
            " ('demo_call', 'q', 2, 'R2', 'K1', %s, 60, 'TONE')",
            AS_OF,
            AS_OF,
        )
        for customer_id, days_ago in referrals:
            for approver in APPROVERS:
                warehouse.approve(AS_OF - timedelta(days=days_ago), customer_id, approver)
        warehouse.build(AS_OF, select=BUILD)
        yield warehouse


def test_promises_of_the_models_hold(measured: Warehouse) -> None:
    """dbt's own tests of keys and identities; a failure raises."""
    tests = " ".join(f"path:models/{part},resource_type:test" for part in TESTED)

    assert measured.build(AS_OF, select=tests, passes=False).models["pass"] > 40


def test_referral_that_one_person_approved_turns_red(measured: Warehouse) -> None:
    approve = "update marts.fct_legal_case set approved_by = %s where customer_id = 'sued'"
    measured.execute(approve, APPROVERS[:1])
    tests = {"every_referral_was_approved_by_two_people"}
    assert measured.red(AS_OF, tests) == tests
    measured.execute(approve, APPROVERS)


def test_each_payment_is_credited_once_to_whom_it_is_due(measured: Warehouse) -> None:
    rows = measured.rows("select * from intermediate.int_payments__attributed where payment_id = any(%s)", [*CREDITED])

    assert {
        row["payment_id"]: (row["collector_id"], row["attributed_by"], str(row["amount"])) for row in rows
    } == CREDITED


@pytest.mark.parametrize("payment_id", ["all_back", "waived", "nobody", "wrong"])
def test_money_that_nobody_can_have_earned_is_not_looked_at(measured: Warehouse, payment_id: str) -> None:
    """Taken back, waived, or of a customer whom no collector spoke with or was given."""
    rows = measured.rows("select * from intermediate.int_payments__attributed where payment_id = %s", payment_id)
    assert rows == []


def test_credit_falls_in_the_month_of_the_payment(measured: Warehouse) -> None:
    rows = measured.rows(
        "select month, amount_recovered from marts.collector_performance"
        " where collector_id = 'K1' and currency = 'CNY' order by month"
    )
    credited = measured.rows(
        "select date_trunc('month', paid_on)::date as month, sum(amount) as amount_recovered"
        " from intermediate.int_payments__attributed where collector_id = 'K1' group by 1 order by 1"
    )

    assert [row for row in rows if row["amount_recovered"] > 0] == credited
    assert [row["month"] for row in credited] == [FEBRUARY, MARCH]


def test_what_collectors_recovered_is_what_was_credited_and_no_more_than_was_paid(measured: Warehouse) -> None:
    totals = measured.rows(
        "select (select sum(amount_recovered) from marts.collector_performance) as by_collector,"
        " (select sum(amount_recovered) from marts.channel_performance) as by_channel,"
        " (select sum(amount) from intermediate.int_payments__attributed where collector_id is not null) as credited,"
        " (select sum(amount) from staging.stg_core_banking__loan_transactions where kind = 'repayment') as paid"
    )[0]

    assert totals["by_collector"] == totals["by_channel"] == totals["credited"] > 0
    assert totals["credited"] < totals["paid"]


def test_expectations_of_a_month_add_up_to_what_was_recovered(measured: Warehouse) -> None:
    for mart in ("collector_performance", "channel_performance"):
        rows = measured.rows(
            "select month, currency, sum(expected_recovery) as expected, sum(amount_recovered) as recovered"
            f" from marts.{mart} group by month, currency"
        )
        assert len(rows) >= 3
        for row in rows:
            # Each collector's, or team's, sum is rounded to the cent.
            assert abs(row["expected"] - row["recovered"]) <= Decimal("0.05")


def test_collectors_are_compared_on_equal_cases(measured: Warehouse) -> None:
    rows = {
        row["collector_id"]: row
        for row in measured.rows("select * from marts.collector_performance where currency = 'EUR'")
    }

    good, bad = rows["GOOD"], rows["BAD"]
    assert (good["cases"], good["amount_recovered"], good["expected_recovery"]) == (10, Decimal(1000), Decimal(500))
    assert (good["recovery_index"], bad["recovery_index"]) == (2, 0)
    # Ten cases each: more than chance would do.
    assert good["recovery_index_low"] > 1 > bad["recovery_index_high"]
    assert good["recovery_index_low"] < 2 < good["recovery_index_high"]


def test_case_is_expected_to_bring_what_is_overdue_in_it(measured: Warehouse) -> None:
    rows = measured.rows("select * from marts.collector_performance where currency = 'CHF' order by collector_id")

    assert [(row["collector_id"], row["amount_recovered"], row["recovery_index"]) for row in rows] == [
        ("LARGE", 4000, 1),
        ("SMALL", 1000, 1),
    ]


def test_whether_anything_was_paid_makes_no_case(measured: Warehouse) -> None:
    """Who spoke last with a customer has the case in the next month as well, if the window reaches into it."""
    rows = measured.rows(
        "select customer_id, collector_id, amount_recovered, start_band from intermediate.int_collectors__case"
        " where month = %s and customer_id in ('day_30', 'day_31', 'february', 'p_before') order by customer_id",
        MARCH,
    )

    assert [tuple(row.values()) for row in rows] == [
        ("day_30", "K1", 100, 0),
        ("day_31", "K1", 0, 0),
        ("february", "K1", 0, 0),
        ("p_before", "K1", 0, 0),
    ]


def test_index_puts_collectors_in_the_order_of_their_skill_and_money_does_not(measured: Warehouse) -> None:
    """The long study is `make bench-fairness`."""
    found = fair_measurement.measured(measured.connection, SKILLED)
    judged = fair_measurement.judge("unequal", 40, [(found, Truth(3))])

    assert len(found) == 10
    assert judged.by_index > 0.7
    assert judged.by_recovery < judged.by_index - 0.3
    assert judged.coverage >= 0.8


@pytest.mark.parametrize("name", PROMISES)
def test_promise_is_judged_by_what_was_paid_in_time(measured: Warehouse, name: str) -> None:
    rows = measured.rows("select * from marts.fct_promise where customer_id = %s", f"p_{name}")

    _, _, status, paid = PROMISES[name]
    assert [(row["status"], str(row["paid_amount"]), row["collector_id"]) for row in rows] == [(status, paid, "K1")]


def test_rates_of_a_collector_have_the_stated_denominators(measured: Warehouse) -> None:
    row = measured.rows(
        "select * from marts.collector_performance where collector_id = 'K1' and month = %s and currency = 'CNY'", MARCH
    )[0]
    attempts = measured.rows(
        "select * from marts.fct_contact_attempt"
        " where collector_id = 'K1' and attempted_month = %s and currency = 'CNY'",
        MARCH,
    )

    reached = [attempt for attempt in attempts if attempt["is_right_party"]]
    assert (row["attempts"], row["right_party_contacts"]) == (len(attempts), len(reached))
    assert row["right_party_rate"] == round(Decimal(len(reached)) / len(attempts), 6)
    # The one recording of the day before was drawn by chance; the other one's breach counts all the same.
    assert (row["qa_score"], row["breaches"], row["coaching_topic"]) == (80, 1, "compliance")


def test_training_is_overdue_from_the_day_after_it_lapses(measured: Warehouse) -> None:
    rows = measured.rows(
        "select collector_id, bool_or(training_overdue) as overdue from marts.collector_performance"
        " where month = %s and currency in ('CNY', 'EUR') group by collector_id",
        MARCH,
    )

    assert {row["collector_id"]: row["overdue"] for row in rows} == {
        "K1": False,
        "K2": True,
        "GOOD": True,
        "BAD": True,
        "K8": True,
        "K9": True,
        "GHOST": True,
    }


def test_attempt_reported_again_is_corrected_and_counts_once(measured: Warehouse) -> None:
    rows = measured.rows("select disposition, cost from marts.fct_contact_attempt where customer_id = 'reported_twice'")

    # What the vendor no longer says about the cost would come from the contract, which is in another currency.
    assert rows == [{"disposition": "busy", "cost": None}]


@pytest.mark.parametrize("mart", ["collector_performance", "channel_performance"])
@pytest.mark.parametrize("currency", COSTS)
def test_cost_is_that_of_all_attempts_in_their_currency_or_not_known(
    measured: Warehouse, mart: str, currency: str
) -> None:
    who = {"collector_performance": "collector_id = 'K7'", "channel_performance": "tier = 'unknown'"}[mart]
    [row] = measured.rows(
        f"select cost, cost_per_unit_recovered, amount_recovered from marts.{mart} where {who} and currency = %s",
        currency,
    )

    _, cost = COSTS[currency]
    known = cost and Decimal(cost)
    assert row["amount_recovered"] == 64
    assert (row["cost"], row["cost_per_unit_recovered"]) == (known, known and round(known / 64, 6))


def test_attempt_without_a_cost_in_its_currency_is_warned_of(measured: Warehouse) -> None:
    """What nobody said of last week's attempts; a warning, since the vendor has been called all the same."""
    result = measured.build(AS_OF, select="every_attempt_has_a_cost_in_its_currency", passes=False)

    assert result.failures == ("every_attempt_has_a_cost_in_its_currency",)


def test_attempt_outside_its_window_is_a_breach(measured: Warehouse) -> None:
    rows = measured.rows(
        "select customer_id, is_outside_window from marts.fct_contact_attempt"
        " where customer_id in ('too_late', 'in_time') order by 1"
    )

    assert [row["is_outside_window"] for row in rows] == [False, True]
    breaches = measured.rows("select breaches from marts.collector_performance where collector_id = 'K9'")
    assert [row["breaches"] for row in breaches] == [1]


def test_attempt_that_began_after_its_row_was_taken_back_is_a_breach(measured: Warehouse) -> None:
    rows = measured.rows(
        "select customer_id, is_after_stop, is_outside_window, stopped_at from marts.fct_contact_attempt"
        " where collector_id = 'K8'"
    )
    told = {row["customer_id"]: row for row in rows}

    assert {name: told[name]["is_after_stop"] for name in TAKEN_BACK} == {
        name: is_breach for name, (_, is_breach) in TAKEN_BACK.items()
    }
    assert told["had_begun"]["stopped_at"] == datetime(2026, 3, 16, 2, 2, tzinfo=UTC)
    assert told["stop_never_left"]["stopped_at"] is None
    both = told["late_as_well"]
    assert (both["is_outside_window"], both["is_after_stop"]) == (True, True)


def test_breach_of_two_rules_counts_once_for_collector_and_channel(measured: Warehouse) -> None:
    [collector] = measured.rows(
        "select breaches, coaching_topic from marts.collector_performance where collector_id = 'K8'"
    )
    [channel] = measured.rows(
        "select (select sum(breaches) from marts.channel_performance where channel = 'phone') as counted,"
        " (select count(*) from marts.fct_contact_attempt"
        " where channel = 'phone' and (is_outside_window or is_after_stop)) as attempts"
    )

    assert collector == {"breaches": 4, "coaching_topic": "compliance"}
    # And one that was heard in a review.
    assert channel["counted"] == channel["attempts"] + 1 == 6


def test_legal_case_is_told_from_its_referral_to_its_end(measured: Warehouse) -> None:
    rows = measured.rows(
        "select customer_id, state, %s - filed_on as filed, %s - settled_on as settled, %s - returned_on as returned,"
        " cost, recovered from marts.fct_legal_case order by customer_id, referred_on",
        *[AS_OF] * 3,
    )

    assert [tuple(row.values()) for row in rows] == [
        ("given_back", "returned", None, None, 20, Decimal("30.0000"), Decimal("5.00")),
        ("referred", "referred", None, None, None, Decimal("0.0000"), Decimal("0.00")),
        # Money of the day of the next referral is the next referral's.
        ("referred_again", "referred", None, None, None, Decimal("0.0000"), Decimal("20.00")),
        ("referred_again", "referred", None, None, None, Decimal("0.0000"), Decimal("40.00")),
        ("sued", "settled", 30, 10, None, Decimal("250.0000"), Decimal("270.00")),
    ]
    approved = measured.rows("select distinct approved_by from marts.fct_legal_case")
    assert approved == [{"approved_by": APPROVERS}]
    assert measured.rows("select distinct approvers from bi.fct_legal_case") == [{"approvers": 2}]


def test_reader_of_bi_sees_every_view_and_no_person(measured: Warehouse) -> None:
    personal = {"customer_id", "contact_customer_id", "loan_id", "contact_ref", "contact_point_id", "display_name"}
    personal |= {"recording_ref", "full_name", "phone", "address", "approved_by"}
    with closing(psycopg2.connect(measured.settings.dsn("warehouse", "bi_reader"))) as reader:
        reader.autocommit = True
        with reader.cursor() as cursor:
            cursor.execute("select table_name from information_schema.views where table_schema = 'bi'")
            views = [name for (name,) in cursor.fetchall()]
            assert {"fct_contact_decision", "fct_contact_attempt", "fct_promise", "collector_performance"} <= {*views}
            for view in views:
                cursor.execute(f"select * from bi.{view}")
                assert not {column.name for column in cursor.description or ()} & personal, view
                assert "A Name" not in str(cursor.fetchall())
            for forbidden in ("marts.fct_promise", "intermediate.int_bi__salt", "staging.stg_vendor__result"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(f"select * from {forbidden}")


def test_keys_in_bi_join_its_views_and_hide_the_customer(measured: Warehouse) -> None:
    joined = measured.rows(
        "select count(distinct promise.customer_key) as customers from bi.fct_promise as promise"
        " inner join bi.fct_contact_attempt as attempt on promise.customer_key = attempt.customer_key"
    )[0]

    promised = measured.rows("select count(distinct customer_id) as customers from marts.fct_promise")[0]
    assert joined["customers"] == promised["customers"] > len(PROMISES)
    assert not measured.rows("select 1 from bi.fct_promise where customer_key like '%%p_%%'")

"""The forty worked cases of the definition of days past due, from landing to the marts.

Cases without a knowledge time share one build: each is a loan of its own, read with `loan_delinquency_on`.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from marts_warehouse import Warehouse, new_warehouse, policy_pack, quick_builds
from portfolio import Portfolio

from arrears.settings import Settings

pytestmark = pytest.mark.postgres

NEWEST = date(2026, 6, 30)


def day(text: str) -> date:
    """`01-10` is in 2026, the year of most cases."""
    return date.fromisoformat(text if len(text) == 10 else f"2026-{text}")


def monthly(*days: str, amount: str = "100.00") -> list[tuple[date, str]]:
    return [(day(text), amount) for text in days]


DUE = monthly("01-10", "02-10", "03-10")


def _version_2(portfolio: Portfolio, loan_id: str) -> None:
    portfolio.loan(loan_id, DUE)
    portfolio.schedule(loan_id, 2, day("02-01"), monthly("02-15", "03-15", "04-15", "05-15", amount="75.00"))


def _material(portfolio: Portfolio, loan_id: str, principal: str, arrears: str) -> None:
    """A loan under limits of 100 and 1 % that has been behind by an amount since 2025-12-01."""
    rest = str(Decimal(principal) - Decimal(arrears))
    portfolio.loan(loan_id, [(day("2025-12-01"), arrears), (day("2027-12-01"), rest)], product="limited")


def _late_payments(portfolio: Portfolio, loan_id: str) -> None:
    portfolio.loan(loan_id, DUE)
    portfolio.pay(loan_id, "70", day("03-20"))
    portfolio.pay(loan_id, "40", day("03-16"), recorded_at=datetime(2026, 4, 1, 2, tzinfo=UTC))


def _cases() -> Portfolio:
    """One loan for each case (`19` is `case-19`); cases that differ only in the day share one."""
    cases = Portfolio()
    cases.loan("case-01", DUE)
    cases.loan("case-04", DUE)
    cases.pay("case-04", "100", day("01-10"))
    for loan_id, product in (("case-05", "auto"), ("case-06", "tolerant")):
        cases.loan(loan_id, DUE, product=product)
        cases.pay(loan_id, "99.99", day("01-10"))
    cases.loan("case-07", DUE)
    cases.pay("case-07", "100", day("02-20"))
    cases.loan("case-08", DUE)
    cases.pay("case-08", "250", day("01-05"))
    cases.loan("case-09", DUE)
    paid = cases.pay("case-09", "100", day("01-10"))
    cases.transact("case-09", "reversal", "100", day("01-20"), reverses=paid)
    cases.loan("case-11", DUE)
    cases.pay("case-11", "100", day("01-10"), recorded_at=datetime(2026, 1, 14, 2, tzinfo=UTC))
    _version_2(cases, "case-13")
    _version_2(cases, "case-15")
    cases.pay("case-15", "100", day("01-10"))
    cases.loan("case-16", DUE)
    cases.pause("case-16", day("01-15"), day("02-15"))
    cases.loan("case-17", DUE, day_count="30/360")
    cases.loan("case-19", DUE)
    cases.transact("case-19", "waiver", "100", day("01-12"))
    cases.loan("case-20", DUE, written_off_on=day("02-01"), status="written_off")
    cases.loan("case-21", DUE)
    cases.pay("case-21", "50", day("01-11"))
    cases.pay("case-21", "50", day("01-11"))
    cases.loan("case-22", DUE)
    paid = cases.pay("case-22", "300", day("01-11"))
    cases.transact("case-22", "reversal", "300", day("02-11"), reverses=paid)
    cases.loan("case-23", monthly("01-31", "02-28", "03-31"), day_count="30/360")
    cases.loan("case-24", DUE, disbursed_on=day("2025-12-01"))
    cases.pause("case-24", day("2025-12-20"), day("01-05"))
    cases.loan("case-25", DUE)
    cases.pause("case-25", day("01-15"), day("01-25"))
    cases.pause("case-25", day("01-20"), day("02-04"))
    cases.loan("case-26", DUE, product="shifted")
    cases.loan("case-27", DUE, jurisdiction="IN")
    cases.loan("case-28", monthly("2024-02-29", "02-10", "03-10"))
    _material(cases, "case-29", "12000", "80.00")
    _material(cases, "case-30", "20000", "150.00")
    _material(cases, "case-31", "20000", "250.00")
    # Above 100 from 01-16; a payment brings arrears to 80 on 03-10; the instalment of 04-15 lifts them to 180 again.
    cases.loan(
        "case-32",
        [(day("2025-01-15"), "200.00"), (day("2025-04-15"), "100.00")],
        product="limited",
        disbursed_on=day("2024-12-01"),
    )
    cases.pay("case-32", "120.00", day("2025-03-10"))
    cases.loan("case-33", [(day("01-10"), "0.00"), (day("02-10"), "100.00")])
    cases.loan("case-34", DUE)
    twice = cases.pay("case-34", "100", day("01-10"))
    cases.rows["loan_transactions"].append(dict(cases.rows["loan_transactions"][-1], transaction_id=twice))
    _late_payments(cases, "case-35")
    _version_2(cases, "case-37")
    paid = cases.pay("case-37", "100", day("01-10"))
    cases.transact("case-37", "reversal", "100", day("02-20"), reverses=paid)
    cases.loan("case-38", DUE)
    cases.pause("case-38", day("01-05"), day("01-12"))
    cases.loan("case-39", DUE)
    cases.pause("case-39", day("01-12"), day("02-01"))
    cases.loan("case-40", monthly("01-30"), day_count="30/360")
    return cases


@pytest.fixture(scope="module")
def cases(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """All cases landed, and built for a day after all of them."""
    rules = policy_pack(
        tmp_path_factory.mktemp("policy"),
        delinquency_parameters=[
            "US,tolerant,,1.00,,,day_after,none,12,1900-01-01,,test,verified",
            "US,shifted,,0.00,,,day_after,next_business_day,12,1900-01-01,,test,verified",
            "US,limited,,0.00,100.00,0.01,day_after,none,12,1900-01-01,,test,verified",
        ],
    )
    with new_warehouse(server, policy_dir=rules) as warehouse:
        _cases().land(warehouse.connection, as_of=NEWEST)
        warehouse.build(NEWEST)
        yield warehouse


@pytest.mark.parametrize(
    ("case", "loan", "on", "days", "counted", "oldest", "arrears"),
    [
        (1, "case-01", "01-10", 0, 0, None, "0.00"),
        (2, "case-01", "01-11", 1, 1, "01-10", "100.00"),
        (3, "case-01", "03-11", 60, 60, "01-10", "300.00"),
        (4, "case-04", "02-10", 0, 0, None, "0.00"),
        (5, "case-05", "01-15", 5, 5, "01-10", "0.01"),
        (6, "case-06", "01-15", 0, 0, None, "0.01"),
        (7, "case-07", "02-20", 10, 10, "02-10", "100.00"),
        (8, "case-08", "03-12", 2, 2, "03-10", "50.00"),
        (9, "case-09", "01-19", 0, 0, None, "0.00"),
        (10, "case-09", "01-20", 10, 10, "01-10", "100.00"),
        (13, "case-13", "02-15", 0, 0, None, "0.00"),
        (14, "case-13", "02-20", 5, 5, "02-15", "75.00"),
        (15, "case-15", "02-20", 5, 5, "02-15", "75.00"),
        (16, "case-16", "02-20", 41, 10, "01-10", "200.00"),
        (17, "case-17", "03-10", 60, 60, "01-10", "200.00"),
        (18, "case-01", "03-10", 59, 59, "01-10", "200.00"),
        (19, "case-19", "01-12", 0, 0, None, "0.00"),
        (20, "case-20", "03-11", 60, 60, "01-10", "300.00"),
        (21, "case-21", "01-11", 0, 0, None, "0.00"),
        (22, "case-22", "02-11", 32, 32, "01-10", "200.00"),
        (23, "case-23", "02-28", 28, 28, "01-31", "100.00"),
        (24, "case-24", "01-20", 10, 10, "01-10", "100.00"),
        (25, "case-25", "02-09", 30, 10, "01-10", "100.00"),
        (26, "case-26", "01-13", 1, 1, "01-12", "100.00"),
        (27, "case-27", "01-10", 1, 1, "01-10", "100.00"),
        (28, "case-28", "2024-03-31", 31, 31, "2024-02-29", "100.00"),
        (33, "case-33", "02-15", 5, 5, "02-10", "100.00"),
        (34, "case-34", "02-10", 0, 0, None, "0.00"),
        (35, "case-35", "03-18", 67, 67, "01-10", "260.00"),
        (36, "case-35", "03-31", 49, 49, "02-10", "190.00"),
        (37, "case-37", "02-20", 5, 5, "02-15", "75.00"),
        (38, "case-38", "01-15", 5, 3, "01-10", "100.00"),
        (39, "case-39", "01-15", 5, 2, "01-10", "100.00"),
        (40, "case-40", "01-31", 1, 1, "01-30", "100.00"),
    ],
)
def test_worked_case(
    cases: Warehouse, case: int, loan: str, on: str, days: int, counted: int, oldest: str | None, arrears: str
) -> None:
    found = cases.position(loan, day(on))
    assert _shown(found) == {
        "days_past_due": days,
        "days_past_due_counted": counted,
        "oldest_unpaid_due_date": oldest and day(oldest),
        "arrears_amount": Decimal(arrears),
    }


@pytest.mark.parametrize(
    ("case", "on", "days", "regulatory"),
    [
        (29, day("2025-12-01") + timedelta(days=120), 120, 0),
        (30, day("2025-12-01") + timedelta(days=120), 120, 0),
        (31, day("2025-12-01") + timedelta(days=120), 120, 120),
        (32, day("2025-04-30"), 105, 15),
    ],
)
def test_regulatory_days_past_due(cases: Warehouse, case: int, on: date, days: int, regulatory: int) -> None:
    found = cases.position(f"case-{case}", on)
    assert (found["days_past_due"], found["days_past_due_regulatory"]) == (days, regulatory)


def test_written_off_loan_counts_on_in_a_tier_of_its_own(cases: Warehouse) -> None:
    assert cases.position("case-20", day("01-31"))["tier"] == "M1"
    assert cases.position("case-20", day("02-01"))["tier"] == "write_off"
    assert cases.position("case-20", day("03-11"))["days_past_due"] == 60


def test_shifted_due_date_keeps_the_contractual_one_visible(cases: Warehouse) -> None:
    assert cases.position("case-26", day("01-13"))["oldest_unpaid_contractual_date"] == day("01-10")


def test_identical_rows_of_one_key_count_once(cases: Warehouse) -> None:
    assert cases.position("case-34", day("02-11"))["paid_total"] == Decimal("100.00")


@pytest.mark.parametrize(
    ("case", "loan", "known", "on", "days", "oldest", "arrears"),
    [
        (11, "case-11", "01-12", "01-12", 2, "01-10", "100.00"),
        (12, "case-11", "01-15", "01-12", 0, None, "0.00"),
    ],
)
def test_worked_case_with_a_knowledge_time(
    known_as_of: Callable[[date], Warehouse],
    case: int,
    loan: str,
    known: str,
    on: str,
    days: int,
    oldest: str | None,
    arrears: str,
) -> None:
    found = known_as_of(day(known)).position(loan, day(on))
    assert _shown(found) == {
        "days_past_due": days,
        "days_past_due_counted": days,
        "oldest_unpaid_due_date": oldest and day(oldest),
        "arrears_amount": Decimal(arrears),
    }


@pytest.fixture(scope="module")
def known_as_of(server: Settings) -> Iterator[Callable[[date], Warehouse]]:
    """The cases that turn on a knowledge time, built by what was known at the end of a day (once for each day)."""
    portfolio = Portfolio()
    portfolio.loan("case-11", DUE)
    portfolio.pay("case-11", "100", day("01-10"), recorded_at=datetime(2026, 1, 14, 2, tzinfo=UTC))
    with new_warehouse(server) as warehouse:
        portfolio.land(warehouse.connection, as_of=NEWEST)
        built: list[date] = []

        def known(at: date) -> Warehouse:
            if built[-1:] != [at]:
                with quick_builds():
                    warehouse.build(NEWEST, known_at=at)
                built.append(at)
            return warehouse

        yield known


FORGED = {
    "days_past_due_follow_events": "update marts.fct_delinquency_history"
    " set oldest_unpaid_due_date = oldest_unpaid_due_date {sign} 1 where valid_to is null",
    "instalments_take_what_was_paid": "update intermediate.int_schedule_versions__due"
    " set cumulative_due[1] = cumulative_due[1] {sign} 1000",
}
"""A date that moves without an event, a sum that falls: each is found by one of dbt's own tests."""


def test_an_identity_that_is_broken_turns_red_by_its_name(cases: Warehouse) -> None:
    for statement in FORGED.values():
        cases.execute(statement.format(sign="+"))
    try:
        assert cases.red(NEWEST, FORGED) == FORGED.keys()
    finally:
        for statement in FORGED.values():
            cases.execute(statement.format(sign="-"))


def _shown(position: dict[str, Any]) -> dict[str, Any]:
    names = ("days_past_due", "days_past_due_counted", "oldest_unpaid_due_date", "arrears_amount")
    return {name: position.get(name) for name in names}

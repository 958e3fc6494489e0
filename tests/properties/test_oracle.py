"""The oracle itself agrees with the worked cases on which it is easiest to go wrong."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from generated import pack, understood
from oracle import Loan, add_months, customer_position, thirty_360
from portfolio import Portfolio
from rulebook import Rulebook

DUE = [(date(2026, month, 10), "100.00") for month in (1, 2, 3)]


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory: pytest.TempPathFactory) -> Rulebook:
    directory: Path = tmp_path_factory.mktemp("policy")
    return Rulebook(pack(directory))


def _read(rows: Portfolio, rulebook: Rulebook) -> dict[str, Loan]:
    return understood(rows.rows, rulebook, until=date(2026, 6, 30))


def _position(loan: Loan, on: date) -> dict[str, Any]:
    position = loan.position(on)
    assert position is not None
    return position


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (date(2026, 1, 10), date(2026, 3, 10), 60),
        (date(2026, 1, 31), date(2026, 2, 28), 28),
        (date(2026, 1, 30), date(2026, 1, 31), 0),
        (date(2026, 1, 29), date(2026, 1, 31), 2),
        (date(2025, 12, 15), date(2026, 2, 1), 46),
    ],
)
def test_thirty_360(start: date, end: date, days: int) -> None:
    assert thirty_360(start, end) == days


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2025, 12, 5), 12, date(2026, 12, 5)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
    ],
)
def test_add_months(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later
    assert add_months(day, 0) == day
    assert add_months(day, months) - day <= timedelta(days=31 * months)


def test_a_reversal_that_is_reversed_puts_the_payment_back(rulebook: Rulebook) -> None:
    rows = Portfolio()
    rows.loan("L", DUE)
    paid = rows.pay("L", "100", date(2026, 1, 10))
    bounced = rows.transact("L", "reversal", "100", date(2026, 1, 20), reverses=paid)
    rows.transact("L", "reversal", "100", date(2026, 1, 25), reverses=bounced)
    loan = _read(rows, rulebook)["L"]
    assert [loan.days_past_due(date(2026, 1, day)) for day in (19, 20, 24, 25)] == [0, 10, 14, 0]


def test_what_a_reversal_takes_is_capped_and_starts_no_earlier_than_the_payment(rulebook: Rulebook) -> None:
    rows = Portfolio()
    rows.loan("L", DUE)
    paid = rows.pay("L", "100", date(2026, 1, 12))
    rows.transact("L", "reversal", "75", date(2026, 1, 8), reverses=paid)
    rows.transact("L", "reversal", "75", date(2026, 1, 14), reverses=paid)
    loan = _read(rows, rulebook)["L"]
    assert [loan.paid_total(date(2026, 1, day)) for day in (11, 12, 13, 14)] == [0, 25, 25, 0]


def test_the_most_specific_row_in_force_holds(rulebook: Rulebook) -> None:
    on, earlier = date(2026, 2, 15), date(2026, 1, 15)
    assert rulebook.timeline("US", "auto", "EUR")(on).tolerance == 5
    assert rulebook.timeline("US", "auto", "USD")(on).tolerance == 0
    changing = rulebook.timeline("US", "changing", "USD")
    assert (changing(earlier).tolerance, changing(on).tolerance) == (0, 25)
    relaxed = rulebook.timeline("US", "relaxed", "USD")
    limits = [relaxed(day).materiality_absolute for day in (earlier, date(2026, 1, 25), on)]
    assert limits == [Decimal(100), None, Decimal(20)]
    assert rulebook.timeline("ZZ", "auto", "USD")(on).classes == rulebook.timeline("US", "auto", "USD")(on).classes


def test_a_rule_counts_from_the_due_date_that_it_is_in_force_on(rulebook: Rulebook) -> None:
    rows = Portfolio()
    # The due date counts from 12 January to 19 February, business days from 25 January.
    rows.loan("counted", [(date(2026, 1, 10), "100"), (date(2026, 1, 20), "100")], product="counted")
    rows.pay("counted", "100", date(2026, 1, 11))
    rows.loan("moving", [(date(2026, 1, 17), "100"), (date(2026, 2, 14), "100")], product="moving")
    rows.pay("moving", "100", date(2026, 1, 17))
    loans = _read(rows, rulebook)
    assert [loans["counted"].days_past_due(date(2026, 1, day)) for day in (10, 11, 19, 20)] == [0, 0, 0, 1]
    # 14 February is a Saturday, the 16th Presidents' Day.
    assert _position(loans["moving"], date(2026, 2, 18))["oldest_unpaid_due_date"] == date(2026, 2, 17)


def test_customers_owe_what_their_open_loans_owe(rulebook: Rulebook) -> None:
    rows = Portfolio()
    rows.loan("L1", DUE, customer_id="C")
    rows.loan("L2", DUE[1:], customer_id="C")
    rows.loan("L3", DUE, customer_id="C", written_off_on=date(2026, 1, 20))
    loans = _read(rows, rulebook)
    owed = customer_position(loans.values(), date(2026, 2, 20))
    assert owed == {"days_past_due": 41, "arrears_amount": Decimal(300), "tier": "M2"}

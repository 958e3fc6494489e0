"""What holds between a loan and the same loan with one event more, and between one day and the next.

Each loan is landed several times under other names, with a difference; one build then answers for all of them.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from generated import NEWEST, Row, known_versions, pack, portfolio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from marts_warehouse import Warehouse, new_warehouse
from portfolio import Portfolio

from arrears.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

LOANS = 100
SAME_ROWS = ("paid and reversed at once", "landed in another order")
DAYS = [NEWEST - timedelta(days=days) for days in (0, 1, 2, 30, 31, 60, 90)]
NAMES = ("as_of", "loan_id", "customer_id")
"""Columns in which a loan and its double may differ."""


@pytest.fixture
def marts(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with new_warehouse(server, policy_dir=pack(tmp_path_factory.mktemp("policy"))) as warehouse:
        yield warehouse


@settings(
    max_examples=1,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
@given(seed=st.integers(min_value=0, max_value=2**32 - 1))
def test_identities_hold(marts: Warehouse, seed: int) -> None:
    original, _ = portfolio(seed, LOANS)
    doubles = _Doubles(original, Random(seed))
    doubles.land(marts)
    marts.build(NEWEST)
    for on in DAYS:
        positions = _positions(marts, on)
        context = f"seed {seed} on {on}"
        for loan_id, position in positions["itself"].items():
            same = [_figures(positions[name][loan_id]) for name in SAME_ROWS]
            assert same == [_figures(position)] * len(SAME_ROWS), f"{context}, {loan_id}"
            paid, reversed_ = positions["paid"][loan_id], positions["reversed"][loan_id]
            assert _is_not_worse(paid, position), f"{context}, {loan_id}: a payment raised it"
            assert _is_not_worse(position, reversed_), f"{context}, {loan_id}: a reversal lowered it"
    _assert_days_grow_by_one(marts)


class _Doubles:
    """The loans of a portfolio under several names: as they are, and each with its difference."""

    def __init__(self, original: Portfolio, random: Random) -> None:
        self._original = original
        self._random = random
        transactions = known_versions("loan_transactions", original.rows["loan_transactions"])
        self._by_loan: dict[str, list[Row]] = {}
        for row in transactions:
            self._by_loan.setdefault(row["loan_id"], []).append(row)

    def land(self, marts: Warehouse) -> None:
        self._double("itself", lambda rows, loan_id: None).land(marts.connection, as_of=NEWEST)
        self._double("paid", self._pay).land(marts.connection, as_of=NEWEST)
        self._double("paid and reversed at once", self._pay_and_reverse).land(marts.connection, as_of=NEWEST)
        self._double("reversed", self._reverse).land(marts.connection, as_of=NEWEST)
        self._land_in_pieces(marts, self._double("landed in another order", lambda rows, loan_id: None))

    def _double(self, name: str, event: Callable[[Portfolio, str], None]) -> Portfolio:
        """All rows under names of their own, and an event on each loan."""
        double = Portfolio(prefix=f"{name}/added-")
        for table, rows in self._original.rows.items():
            double.rows[table] = [
                {
                    column: f"{name}/{value}" if column.endswith("_id") or (column == "reverses" and value) else value
                    for column, value in row.items()
                }
                for row in rows
            ]
        for loan_id in {row["loan_id"] for row in self._original.rows["loans"]}:
            event(double, loan_id)
        return double

    def _day(self) -> date:
        return NEWEST - timedelta(days=self._random.randrange(150))

    def _pay(self, double: Portfolio, loan_id: str) -> None:
        kind = self._random.choice(("repayment", "waiver", "recovery"))
        double.transact(f"paid/{loan_id}", kind, self._random.choice(("0.01", "77.00", "5000.00")), self._day())

    def _pay_and_reverse(self, double: Portfolio, loan_id: str) -> None:
        name = f"paid and reversed at once/{loan_id}"
        on = self._day()
        paid = double.pay(name, "77.00", on)
        double.transact(name, "reversal", "77.00", on, reverses=paid)

    def _reverse(self, double: Portfolio, loan_id: str) -> None:
        """Takes back, from some day on, a payment of which nothing was reversed yet."""
        rows = self._by_loan.get(loan_id, [])
        reversed_ids = {row.get("reverses") for row in rows}
        payments = [
            row
            for row in rows
            if row["kind"] in ("repayment", "waiver", "recovery") and row["transaction_id"] not in reversed_ids
        ]
        if payments:
            row = self._random.choice(payments)
            amount = self._random.choice((row["amount"], Decimal("0.01")))
            reverses = f"reversed/{row['transaction_id']}"
            double.transact(f"reversed/{loan_id}", "reversal", amount, self._day(), reverses=reverses)

    def _land_in_pieces(self, marts: Warehouse, double: Portfolio) -> None:
        """In three batches and in any order, children before their parents."""
        pieces = [Portfolio(), Portfolio(), Portfolio()]
        for table, rows in double.rows.items():
            for row in self._random.sample(rows, len(rows)):
                self._random.choice(pieces).rows.setdefault(table, []).append(row)
        for piece in pieces:
            piece.land(marts.connection, as_of=NEWEST)


def _positions(marts: Warehouse, on: date) -> dict[str, dict[str, dict[str, Any]]]:
    """By the name of the double and of the loan."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in marts.rows("select * from marts.loan_delinquency_on(%s)", on):
        name, loan_id = row["loan_id"].split("/")
        found.setdefault(name, {})[loan_id] = row
    assert len({frozenset(loans) for loans in found.values()}) == 1, f"other loans on {on}"
    return found


def _figures(position: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in position.items() if name not in NAMES}


def _is_not_worse(position: dict[str, Any], other: dict[str, Any]) -> bool:
    figures = ("days_past_due", "arrears_amount", "outstanding_principal", "unpaid_instalments")
    return all(position[name] <= other[name] for name in figures)


def _assert_days_grow_by_one(marts: Warehouse) -> None:
    """From each day to the next by exactly one, in an interval in which nothing happens (`actual`)."""
    days = marts.rows(
        """
        select
            history.loan_id,
            history.oldest_unpaid_due_date is not null as is_overdue,
            array_agg(positions.days_past_due order by positions.as_of) as days_past_due
        from generate_series(date '2026-01-15', date '2026-02-25', interval '1 day') as days (day)
        cross join lateral marts.loan_delinquency_on(days.day::date) as positions
        inner join marts.fct_delinquency_history as history
            on
                positions.loan_id = history.loan_id
                and positions.as_of >= history.valid_from
                and (history.valid_to is null or positions.as_of < history.valid_to)
        inner join intermediate.int_loans__terms as terms on positions.loan_id = terms.loan_id
        where terms.day_count = 'actual' and positions.loan_id like 'itself/%%'
        group by history.loan_id, history.valid_from, is_overdue
        """
    )
    assert any(len(row["days_past_due"]) > 20 and row["is_overdue"] for row in days)
    for row in days:
        first, step = row["days_past_due"][0], int(row["is_overdue"])
        expected = [first + step * number for number in range(len(row["days_past_due"]))]
        assert row["days_past_due"] == expected, row["loan_id"]

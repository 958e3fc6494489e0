"""Generated portfolios: the marts say of every loan, on every day asked for, what the definition says of it.

Some come the whole way, as files into the source and past the gate. Many loans, and what the gate rejects, just land.

With `ARREARS_TEST_LOANS=200000` the test on many loans takes as many as one has time for.
"""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from generated import LEAP_NEWEST, NEWEST, pack, portfolio, understood, within_contract
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from marts_warehouse import Warehouse, new_warehouse, quick_builds
from oracle import Loan, customer_position
from psycopg2.extensions import connection as Connection  # noqa: N812
from rulebook import Rulebook

from arrears.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

LOANS = 250
MANY_LOANS = int(os.environ.get("ARREARS_TEST_LOANS", "10000"))
CHUNK = 10_000
"""Loans that are in memory at once."""
DAYS_BACK = (0, 31, 59, 141)


@pytest.fixture
def marts(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with new_warehouse(server, policy_dir=pack(tmp_path_factory.mktemp("policy"))) as warehouse:
        yield warehouse


@pytest.fixture
def rulebook(marts: Warehouse) -> Rulebook:
    return Rulebook(marts.settings.policy_dir)


# Each example is a build of some seconds: two of them, and no shrinking (a failure names the loan with all its rows).
@settings(
    max_examples=2,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
@given(seed=st.integers(min_value=0, max_value=2**32 - 1), newest=st.sampled_from((NEWEST, LEAP_NEWEST)))
def test_marts_agree_with_the_definition(
    marts: Warehouse, rulebook: Rulebook, core_banking: Connection, tmp_path: Path, seed: int, newest: date
) -> None:
    rows = within_contract(portfolio(seed, LOANS, newest=newest)[0])
    report = rows.load(core_banking, marts.connection, tmp_path, as_of=newest, settings=marts.settings)
    assert report.rejected == {}, f"seed {seed}: the gate rejects what the contract allows"
    loans = understood(rows.rows, rulebook, until=newest)
    with quick_builds():
        marts.build(newest)
    for on in _days(newest):
        _assert_agreement(marts.rows("select * from marts.loan_delinquency_on(%s)", on), loans, on, f"seed {seed}")
    assert _by_loan(marts.rows("select * from marts.fct_loan_delinquency")) == _by_loan(
        marts.rows("select * from marts.loan_delinquency_on(%s)", newest)
    )
    _assert_history_is_whole(marts, loans, newest)
    with quick_builds():
        marts.build(newest, select="+int_customers__scope")
    _assert_customers_agree(marts, loans, newest)
    # A week before, by what was known two days later.
    on, known_on = newest - timedelta(days=7), newest - timedelta(days=5)
    known_at = datetime.combine(known_on, time(), UTC)
    with quick_builds():
        marts.build(on, known_at=known_at)
    known = understood(rows.rows, rulebook, until=newest, known_at=known_at)
    _assert_agreement(marts.rows("select * from marts.loan_delinquency_on(%s)", on), known, on, f"seed {seed}, K")


def test_marts_agree_with_the_definition_on_many_loans(marts: Warehouse, rulebook: Rulebook) -> None:
    chunks = [(number, min(CHUNK, MANY_LOANS - first)) for number, first in enumerate(range(0, MANY_LOANS, CHUNK))]
    for number, size in chunks:
        rows, _ = portfolio(number, size, prefix=f"{number:03}-")
        rows.land(marts.connection, as_of=NEWEST)
    marts.build(NEWEST)
    for on in _days(NEWEST)[:2]:
        marts.execute("create temporary table asked as select * from marts.loan_delinquency_on(%s)", on)
        marts.execute("create index on asked (loan_id)")
        for number, size in chunks:
            prefix = f"{number:03}-"
            _, loans = portfolio(number, size, prefix=prefix, rulebook=rulebook)
            found = marts.rows("select * from asked where loan_id between %s and %s", prefix, f"{number:03}.")
            _assert_agreement(found, loans, on, f"chunk {number}")
        marts.execute("drop table asked")


def _days(newest: date) -> list[date]:
    return [newest - timedelta(days=days) for days in DAYS_BACK]


def _by_loan(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["loan_id"]: row for row in rows}


def _assert_agreement(rows: list[dict[str, Any]], loans: dict[str, Loan], on: date, context: str) -> None:
    found = _by_loan(rows)
    expected = {loan_id: position for loan_id, loan in loans.items() if (position := loan.position(on))}
    assert found.keys() == expected.keys(), f"{context}: other loans on {on}"
    for loan_id, position in expected.items():
        differences = {
            name: f"mart {found[loan_id][name]!r}, definition {value!r}"
            for name, value in position.items()
            if found[loan_id][name] != value
        }
        assert not differences, f"{context}, loan {loan_id} on {on}: {differences} {loans[loan_id]}"


def _assert_history_is_whole(marts: Warehouse, loans: dict[str, Loan], newest: date) -> None:
    """The intervals of a loan follow each other without gap from disbursement on, and each brings a change."""
    by_loan: dict[str, list[dict[str, Any]]] = {}
    for row in marts.rows("select * from marts.fct_delinquency_history order by loan_id, valid_from"):
        by_loan.setdefault(row["loan_id"], []).append(row)
    for loan_id, intervals in by_loan.items():
        loan = loans[loan_id].loan
        closed_on = loan.get("closed_on")
        assert intervals[0]["valid_from"] == loan["disbursed_on"]
        assert intervals[-1]["valid_to"] == (closed_on if closed_on and closed_on <= newest else None)
        for earlier, later in pairwise(intervals):
            assert earlier["valid_to"] == later["valid_from"]
            assert _facts(earlier) != _facts(later), f"{loan_id}: nothing changed on {later['valid_from']}"


def _facts(interval: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in interval.items() if name not in ("valid_from", "valid_to")}


def _assert_customers_agree(marts: Warehouse, loans: dict[str, Loan], on: date) -> None:
    """Highest days past due, arrears and worst tier of the open loans of each customer in each currency."""
    debts: dict[tuple[str, str], list[Loan]] = {}
    for loan in loans.values():
        debts.setdefault((loan.loan["customer_id"], loan.loan["currency"]), []).append(loan)
    scope = marts.rows("select * from intermediate.int_customers__scope where not is_written_off")
    found = {(row["customer_id"], row["currency"]): row for row in scope}
    for debt, of_debt in debts.items():
        expected = customer_position(of_debt, on)
        if expected and (expected["arrears_amount"] or expected["tier"] == "pre_due"):
            assert {name: found[debt][name] for name in expected} == expected, f"customer {debt} on {on}"

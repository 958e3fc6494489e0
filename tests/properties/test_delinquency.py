"""Generated portfolios: the marts say of every loan, on every day asked for, what the definition says of it."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import count, pairwise
from typing import Any

import pytest
from generated import NEWEST, PARAMETERS, portfolio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from marts_warehouse import Warehouse, new_warehouse, policy_pack
from oracle import Loan

from arrears.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

LOANS = 250
DAYS = (NEWEST, date(2026, 2, 28), date(2026, 1, 31), date(2025, 11, 10))
_generations = count(1)


@pytest.fixture(scope="module")
def marts(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    rules = policy_pack(tmp_path_factory.mktemp("policy"), delinquency_parameters=PARAMETERS)
    with new_warehouse(server, policy_dir=rules) as warehouse:
        yield warehouse


# Each example is a build of some seconds: two of them, and no shrinking (a failure names the loan with all its rows).
@settings(
    max_examples=2,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
@given(seed=st.integers(min_value=0, max_value=2**32 - 1))
def test_marts_agree_with_the_definition(marts: Warehouse, seed: int) -> None:
    rows, loans = portfolio(seed, LOANS)
    rows.land(marts.connection, as_of=NEWEST, generation=next(_generations))
    marts.build(NEWEST)
    for on in DAYS:
        found = {row["loan_id"]: row for row in marts.rows("select * from marts.loan_delinquency_on(%s)", on)}
        expected = {loan_id: loan.position(on) for loan_id, loan in loans.items() if loan.exists(on)}
        assert found.keys() == expected.keys(), f"seed {seed}: other loans on {on}"
        for loan_id, position in expected.items():
            assert position is not None
            _assert_same(found[loan_id], position, f"seed {seed}, loan {loan_id} on {on}: {loans[loan_id]}")
    newest = {row["loan_id"]: row for row in marts.rows("select * from marts.fct_loan_delinquency")}
    assert newest == {row["loan_id"]: row for row in marts.rows("select * from marts.loan_delinquency_on(%s)", NEWEST)}
    _assert_history_is_whole(marts, loans)
    _assert_loans_obey_their_identities(loans)


def _assert_same(found: dict[str, Any], expected: dict[str, Any], context: str) -> None:
    differences = {
        name: f"mart {found[name]!r}, definition {value!r}" for name, value in expected.items() if found[name] != value
    }
    assert not differences, f"{differences} {context}"


def _assert_history_is_whole(marts: Warehouse, loans: dict[str, Loan]) -> None:
    """The intervals of a loan follow each other without gap from disbursement on, and each brings a change."""
    by_loan: dict[str, list[dict[str, Any]]] = {}
    for row in marts.rows("select * from marts.fct_delinquency_history order by loan_id, valid_from"):
        by_loan.setdefault(row["loan_id"], []).append(row)
    for loan_id, intervals in by_loan.items():
        loan = loans[loan_id].loan
        closed_on = loan.get("closed_on")
        assert intervals[0]["valid_from"] == loan["disbursed_on"]
        assert intervals[-1]["valid_to"] == (closed_on if closed_on and closed_on <= NEWEST else None)
        for earlier, later in pairwise(intervals):
            assert earlier["valid_to"] == later["valid_from"]
            assert _facts(earlier) != _facts(later), f"{loan_id}: nothing changed on {later['valid_from']}"


def _facts(interval: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in interval.items() if name not in ("valid_from", "valid_to")}


def _assert_loans_obey_their_identities(loans: dict[str, Loan]) -> None:
    """The identities of the definition, on the oracle: what the marts equal, obeys them."""
    for loan in loans.values():
        for on in DAYS:
            if loan.exists(on):
                allocated = loan.allocation(on)
                assert sum(paid for _, paid in allocated) == min(
                    loan.paid_total(on), sum((item.amount for item, _ in allocated), Decimal(0))
                )
                tolerance = loan.rules(on).tolerance
                assert (loan.days_past_due(on) == 0) == (loan.arrears(on) <= tolerance)
                assert loan.days_past_due_counted(on) <= loan.days_past_due(on)
                assert loan.exists(on - timedelta(days=1)) or on == loan.loan["disbursed_on"]

"""What a build leaves behind that failed, or began on a wrong day."""

from datetime import date

import pytest
from marts_warehouse import Warehouse
from portfolio import Portfolio

pytestmark = pytest.mark.postgres

DUE = [(date(2026, month, 10), "100.00") for month in (1, 2, 3)]
TODAY, WRONG_DAY = date(2026, 1, 20), date(2026, 3, 20)


@pytest.mark.usefixtures("without_data_tests")
def test_a_later_day_that_failed_keeps_nothing_from_the_days_that_follow(marts: Warehouse) -> None:
    portfolio = Portfolio()
    portfolio.loan("L1", DUE)
    portfolio.land(marts.connection, as_of=TODAY)
    marts.build(TODAY)
    failed = marts.build(WRONG_DAY, passes=False)
    marts.execute("update ops.mart_build set state = 'failed' where build_id = %s", failed.build_id)

    marts.build(date(2026, 1, 21))
    newest = "select as_of, days_past_due, arrears_amount from marts.fct_loan_delinquency"
    assert marts.rows(newest) == [{"as_of": date(2026, 1, 21), "days_past_due": 11, "arrears_amount": 100}]
    assert marts.rows("select valid_from from marts.fct_delinquency_history where valid_from > '2026-01-21'") == []

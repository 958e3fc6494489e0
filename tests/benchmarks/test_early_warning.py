"""What the benchmark of early warning calls a default, and the chance that it holds models against."""

from datetime import date

import pandas as pd
import pytest
from early_warning import first_default, hidden_chance


def months(*rows: tuple[str, float, float, float]) -> pd.DataFrame:
    """Month end, balance, principal and all that was paid."""
    columns = ["reportingPeriodEndingDate", "endBalance_BAL", "principalCollected_PRC", "totalActualAmountPaid_PMT"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(reportingPeriodEndingDate=pd.to_datetime(frame["reportingPeriodEndingDate"]))


PAID = (("2019-08-31", 900.0, 100.0, 110.0), ("2019-09-30", 800.0, 100.0, 110.0))


def test_three_months_in_a_row_without_a_payment_are_a_default_and_two_are_none() -> None:
    missed = [(f"2019-{month}-30", 800.0, 0.0, 0.0) for month in (10, 11, 12)]

    assert first_default(months(*PAID, *missed)) == date(2019, 12, 30)
    assert first_default(months(*PAID, *missed[:2], ("2019-12-30", 700.0, 100.0, 110.0))) is None


def test_deferred_months_are_not_missed_unless_they_are_counted() -> None:
    deferred = [(end, 800.0, 0.0, 0.0) for end in ("2020-04-30", "2020-05-31", "2020-06-30")]

    assert first_default(months(*PAID, *deferred)) is None
    assert first_default(months(*PAID, *deferred), forgive_extended=False) == date(2020, 6, 30)


def test_a_balance_that_goes_unpaid_is_a_charge_off_and_a_paid_one_is_not() -> None:
    assert first_default(months(*PAID, ("2019-10-31", 0.0, 0.0, 0.0))) == date(2019, 10, 31)
    assert first_default(months(*PAID, ("2019-10-31", 0.0, 800.0, 810.0))) is None


def test_the_hidden_chance_follows_from_the_score_and_the_due_dates_of_the_window() -> None:
    day, due = date(2025, 1, 31), [date(2025, month, 10) for month in range(1, 6)]
    average = 680 - 18  # The score whose risk is 1: the tape's own rates.

    assert hidden_chance(due, average, day) == pytest.approx(
        1 - (1 - 0.0397 * (1 - 0.9059 * 11 / 31)) * _april(), abs=1e-3
    )
    assert hidden_chance(due, average - 100, day) > 2 * hidden_chance(due, average, day)
    assert hidden_chance([date(2025, 1, 10), date(2025, 4, 10)], average, day) == 0


def _april() -> float:
    """Not missed on 10 March: thirty days later is 9 April."""
    return 1 - 0.0397 * (1 - 0.9059 * 8 / 31)

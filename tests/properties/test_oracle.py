"""The oracle itself agrees with the worked cases on which it is easiest to go wrong."""

from datetime import date, timedelta

import pytest
from oracle import add_months, thirty_360


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

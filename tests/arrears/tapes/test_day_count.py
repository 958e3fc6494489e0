"""Days past due by either count, and how a servicer's count is told."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arrears.tapes.day_count import ACTUAL, THIRTY_360, Observation, days_between, due_date_of, evidence

DAYS = st.dates(date(2019, 1, 1), date(2024, 12, 31))


@pytest.mark.parametrize(
    ("due_on", "day", "day_count", "days"),
    [
        (date(2026, 1, 10), date(2026, 3, 10), THIRTY_360, 60),
        (date(2026, 1, 10), date(2026, 3, 10), ACTUAL, 59),
        (date(2026, 1, 31), date(2026, 2, 28), THIRTY_360, 28),
        (date(2024, 2, 29), date(2024, 3, 31), ACTUAL, 31),
        (date(2026, 1, 10), date(2026, 1, 31), THIRTY_360, 21),
        (date(2026, 1, 30), date(2026, 3, 31), THIRTY_360, 60),
    ],
)
def test_days_are_those_of_the_definition(due_on: date, day: date, day_count: str, days: int) -> None:
    assert days_between(due_on, day, day_count) == days


@given(due_on=DAYS, late=st.integers(1, 400), day_count=st.sampled_from([ACTUAL, THIRTY_360]))
@example(due_on=date(2019, 1, 30), late=182, day_count=THIRTY_360)
def test_due_date_is_found_again(due_on: date, late: int, day_count: str) -> None:
    day = due_on + timedelta(days=late)
    days = days_between(due_on, day, day_count)
    found = due_date_of(day, days, day_count)
    assert days_between(found, day, day_count) == days
    assert abs((found - due_on).days) <= 2, "on a 31st, 30/360 takes the 30th and the 1st after it for the same"


def observations(*statuses: tuple[date, int]) -> list[Observation]:
    return [Observation("L", day, days, nothing_happened=True) for day, days in statuses]


JULY, AUGUST, SEPTEMBER = date(2021, 7, 31), date(2021, 8, 31), date(2021, 9, 30)


def test_month_that_only_one_count_explains_tells_it() -> None:
    assert [count for _, count in evidence(observations((JULY, 21), (AUGUST, 52)))] == [ACTUAL]
    assert [count for _, count in evidence(observations((JULY, 21), (AUGUST, 51), (SEPTEMBER, 80)))] == [THIRTY_360] * 2


def test_month_that_tells_nothing_is_no_evidence() -> None:
    june = date(2021, 6, 30)
    assert not list(evidence(observations((june, 20), (JULY, 51)))), "both counts give 31 days"
    assert not list(evidence(observations((JULY, 0), (AUGUST, 51)))), "late since an unknown day"
    assert not list(evidence(observations((JULY, 21), (AUGUST, 21)))), "it was paid, whatever the tape says"
    paid = [Observation("L", JULY, 21, True), Observation("L", AUGUST, 52, nothing_happened=False)]
    assert not list(evidence(paid))
    others = [Observation("L", JULY, 21, True), Observation("M", AUGUST, 52, True)]
    assert not list(evidence(others))

"""Schedules are exact to the cent."""

from datetime import date
from decimal import Decimal
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from arrears.domain.amortisation import add_months, due_dates, level_instalment, month_end, split


def test_annuity_of_a_worked_loan() -> None:
    assert level_instalment(10_000_00, Decimal("0.12"), 12) == 888_49


def test_loan_without_interest_is_cut_into_equal_parts() -> None:
    assert level_instalment(100_00, Decimal(0), 3) == 33_33
    assert split(100_00, Decimal(0), 33_33, 3) == [(33_33, 0), (33_33, 0), (33_34, 0)]


def test_first_interest_is_a_month_on_the_whole_principal() -> None:
    assert split(10_000_00, Decimal("0.12"), 888_49, 12)[0] == (788_49, 100_00)


def test_instalment_that_is_too_large_ends_the_schedule_early() -> None:
    assert split(100_00, Decimal(0), 60_00, 12) == [(60_00, 0), (40_00, 0)]


def test_instalment_below_the_interest_leaves_the_principal_for_the_last() -> None:
    assert split(1_000_00, Decimal("0.12"), 5_00, 2) == [(0, 10_00), (1_000_00, 10_00)]


@given(st.integers(1_00, 10**9), st.integers(0, 4_000), st.integers(1, 84))
def test_principal_parts_add_up_and_the_last_takes_only_the_rounding(
    principal: int, basis_points: int, count: int
) -> None:
    rate = Decimal(basis_points) / 10_000
    instalment = level_instalment(principal, rate, count)
    parts = split(principal, rate, instalment, count)
    assert sum(repaid for repaid, _ in parts) == principal
    assert all(repaid + interest == instalment for repaid, interest in parts[:-1])
    # Half a cent a month in the instalment, and as much in each interest, grown at the rate.
    assert abs(sum(parts[-1]) - instalment) <= count * (1 + rate / 12) ** count + 1 or len(parts) < count


def test_months_keep_the_day_where_the_month_has_it() -> None:
    assert add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert add_months(date(2024, 2, 29), 1, 31) == date(2024, 3, 31)
    assert add_months(date(2024, 1, 15), -2) == date(2023, 11, 15)
    assert list(islice(due_dates(date(2023, 12, 1), 30), 3)) == [
        date(2023, 12, 30),
        date(2024, 1, 30),
        date(2024, 2, 29),
    ]
    assert month_end(date(2024, 2, 3)) == date(2024, 2, 29)

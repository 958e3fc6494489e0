"""Repayment schedules, exact to the cent. Amounts are integer cents, rates are yearly fractions (0.0725 = 7.25 %).

Offers to customers in difficulty are computed for all of them at once in dbt (`models/intermediate/care`); the same is
said here for one customer, and a test holds the two against each other.
"""

import calendar
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import cache

_MONTHS = 12


def level_instalment(principal: int, annual_rate: Decimal, count: int) -> int:
    """The monthly amount that repays a principal in `count` instalments (an annuity), rounded half up."""
    rate = annual_rate / _MONTHS
    exact = Decimal(principal) / count if rate == 0 else principal * rate / (1 - (1 + rate) ** -count)
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def split(principal: int, annual_rate: Decimal, instalment: int, count: int) -> list[tuple[int, int]]:
    """The principal and interest of each of at most `count` level instalments; the last clears the balance.

    Interest is that of one month on the balance, rounded half even. An instalment that is more than enough ends the
    schedule early; one that is too small leaves more for the last. The principal parts add up to the principal.
    """
    parts: list[tuple[int, int]] = []
    balance = principal
    for number in range(1, count + 1):
        interest = int((balance * annual_rate / _MONTHS).quantize(Decimal(1), ROUND_HALF_EVEN))
        repaid = balance if number == count else min(balance, max(0, instalment - interest))
        parts.append((repaid, interest))
        balance -= repaid
        if balance == 0:
            break
    return parts


def longest_term(debts: Sequence[tuple[int, Decimal]], *, at_most: int, lowest: int) -> int:
    """The most months in which an offer may clear debts (each with its rate), unless too little were paid a month.

    Args:
        at_most: Longest term of the offer, in months.
        lowest: Lowest instalment of the offer, all debts together. Where less than that is owed, one month clears it.
    """

    def paid_a_month(term: int) -> int:
        return sum(level_instalment(owed, rate, term) for owed, rate in debts)

    return next((term for term in range(at_most, 1, -1) if paid_a_month(term) >= lowest), 1)


def add_months(first: date, months: int, day: int | None = None) -> date:
    """The same day (or `day`) some months later or earlier; the last of a month that is too short for it."""
    year, month = divmod(first.year * _MONTHS + first.month - 1 + months, _MONTHS)
    month += 1
    return date(year, month, min(day or first.day, _days_in(year, month)))


def due_dates(first: date, day: int) -> Iterator[date]:
    """Monthly due dates from the month of `first` on, on `day` of each month, without end."""
    months = 0
    while True:
        yield add_months(first, months, day)
        months += 1


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=_days_in(day.year, day.month))


@cache
def _days_in(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]

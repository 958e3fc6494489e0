"""How a servicer counts days past due: calendar days, or months of 30 days."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

ACTUAL = "actual"
THIRTY_360 = "30/360"
ENOUGH_EVIDENCE = 10
"""Pairs of months of one servicer that are looked at, at most; they are no longer a prediction, so a check leaves
them out."""
_REACH = 6
"""Days by which the two counts can differ within a year, with room."""


def days_between(due_on: date, day: date, day_count: str) -> int:
    """Days past due on a day by a count (30/360: bond basis)."""
    if day_count == ACTUAL:
        return (day - due_on).days
    months = (day.year - due_on.year) * 12 + day.month - due_on.month
    first = min(due_on.day, 30)
    last = min(day.day, 30) if first == 30 else day.day
    return 30 * months + last - first


def due_date_of(day: date, days_past_due: int, day_count: str) -> date:
    """The due date that is so many days past due on a day; the nearest to calendar days where several are."""
    calendar = day - timedelta(days=days_past_due)
    if day_count == ACTUAL:
        return calendar
    reach = _REACH + days_past_due // 60
    near = sorted(range(-reach, reach + 1), key=abs)
    fits = (calendar + timedelta(days=shift) for shift in near)
    return next((each for each in fits if days_between(each, day, day_count) == days_past_due), calendar)


@dataclass(frozen=True, slots=True)
class Observation:
    """What tells the two counts apart: a loan's status at a month end."""

    loan_id: str
    ends_on: date
    days_past_due: int
    nothing_happened: bool
    """Nothing was paid, extended or taken back in the month."""


def evidence(observations: Iterable[Observation]) -> Iterator[tuple[Observation, str]]:
    """Observations (by loan, in order) that only one of the counts explains, with that count.

    A late loan on which nothing happens from one month end to the next is late since the same due date, and the days
    between tell the count, unless both counts give the same.
    """
    before: Observation | None = None
    for now in observations:
        if before is not None and before.loan_id == now.loan_id and before.days_past_due > 0 and now.nothing_happened:
            grown = {
                count: days_between(due_date_of(before.ends_on, before.days_past_due, count), now.ends_on, count)
                for count in (ACTUAL, THIRTY_360)
            }
            fits = [count for count, days in grown.items() if days == now.days_past_due]
            if len(fits) == 1:
                yield now, fits[0]
        before = now

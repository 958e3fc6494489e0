"""The parameters of a policy pack as a bank would read them: which row holds for a kind of loan on a day.

Plain lookups in the CSV files, so that the oracle shares no rule with the SQL.
"""

import csv
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import holidays

FOR_EVER = date.max
Line = dict[str, str]


@dataclass(frozen=True)
class Rules:
    """The parameters of one kind of loan on one day."""

    tolerance: Decimal = Decimal(0)
    materiality_absolute: Decimal | None = None
    materiality_share: Decimal | None = None
    first_counted_day: str = "day_after"
    next_business_day: Callable[[date], date] | None = None
    probation_months: int = 12
    classes: Sequence[tuple[int, str]] = ((0, "performing"), (91, "default"))
    """The first days past due of each asset class, ascending."""

    @property
    def has_limits(self) -> bool:
        return self.materiality_absolute is not None or self.materiality_share is not None


class Timeline:
    """The rules of one kind of loan over time."""

    def __init__(self, starts: Sequence[date], rules: Sequence[Rules]) -> None:
        self._starts = starts
        self._rules = rules
        self.ever_has_limits = any(each.has_limits for each in rules)

    def __call__(self, on: date) -> Rules:
        return self._rules[bisect_right(self._starts, on) - 1]


class Rulebook:
    """The packs of a directory."""

    def __init__(self, policy_dir: Path) -> None:
        self._parameters = _read(policy_dir / "delinquency_parameters.csv")
        self._classes = _read(policy_dir / "asset_classes.csv")
        self._timelines: dict[tuple[str, str, str], Timeline] = {}

    def timeline(self, jurisdiction: str, product: str, currency: str) -> Timeline:
        kind = (jurisdiction, product, currency)
        if kind not in self._timelines:
            lines = [*self._parameters, *self._classes]
            starts = sorted({day for line in lines for day in _term(line) if day != FOR_EVER})
            self._timelines[kind] = Timeline(starts, [self._on(*kind, day) for day in starts])
        return self._timelines[kind]

    def _on(self, jurisdiction: str, product: str, currency: str, on: date) -> Rules:
        [best, *_] = sorted(
            (
                line
                for line in self._parameters
                if _holds(line, on)
                and line["jurisdiction"] in (jurisdiction, "DEFAULT")
                and line["product"] in ("", product)
                and line["currency"] in ("", currency)
            ),
            key=lambda line: (line["jurisdiction"] == "DEFAULT", line["product"] == "", line["currency"] == ""),
        )
        absolute, share = best["materiality_absolute"], best["materiality_share"]
        shifts = best["due_date_shift"] == "next_business_day"
        return Rules(
            tolerance=Decimal(best["tolerance"]),
            materiality_absolute=Decimal(absolute) if absolute else None,
            materiality_share=Decimal(share) if share else None,
            first_counted_day=best["first_counted_day"],
            next_business_day=_next_business_day(jurisdiction) if shifts else None,
            probation_months=int(best["probation_months"]),
            classes=self._classes_on(jurisdiction, on),
        )

    def _classes_on(self, jurisdiction: str, on: date) -> Sequence[tuple[int, str]]:
        in_force = [line for line in self._classes if _holds(line, on)]
        own = [line for line in in_force if line["jurisdiction"] == jurisdiction]
        table = own or [line for line in in_force if line["jurisdiction"] == "DEFAULT"]
        return sorted((int(line["dpd_from"]), line["asset_class"]) for line in table)


def _read(path: Path) -> list[Line]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def _term(line: Line) -> tuple[date, date]:
    return date.fromisoformat(line["valid_from"]), date.fromisoformat(line["valid_to"]) if line[
        "valid_to"
    ] else FOR_EVER


def _holds(line: Line, on: date) -> bool:
    first, end = _term(line)
    return first <= on < end


def _next_business_day(jurisdiction: str) -> Callable[[date], date]:
    @cache
    def shifted(day: date) -> date:
        while not _is_business_day(jurisdiction, day):
            day += timedelta(days=1)
        return day

    return shifted


@cache
def _country(jurisdiction: str) -> holidays.HolidayBase | None:
    known = jurisdiction in holidays.list_supported_countries()
    return holidays.country_holidays(jurisdiction) if known else None


def _is_business_day(jurisdiction: str, day: date) -> bool:
    """Monday to Friday where nobody knows better, as for a jurisdiction without a calendar."""
    country = _country(jurisdiction)
    return day.weekday() < 5 if country is None else country.is_working_day(day)

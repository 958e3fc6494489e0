"""How loans move between month ends: measured on contract files, the same way for a real tape and for the simulation.

A loan's state at a month end is the number of its instalments that are due before that day and not fully paid
(3 stands for three and more). From one month end to the next it moves to another state, is closed or is written off.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate, pairwise
from math import exp
from pathlib import Path

import pandas as pd

from arrears.domain.amortisation import add_months, month_end

STATES = ("0", "1", "2", "3+")
ENDS = ("closed", "written_off")
Rates = dict[str, dict[str, float]]
"""From-state to to-state to the share of loans."""

MEASURED_FROM, MEASURED_TO = date(2019, 8, 31), date(2020, 2, 29)
"""Month ends that `TAPE_RATES` come from: before the extensions of spring 2020, which the tape does not show."""
TAPE_RATES: Rates = {
    "0": {"0": 0.9481, "1": 0.0395, "2": 0.0002, "3+": 0.0, "closed": 0.0123, "written_off": 0.0},
    "1": {"0": 0.3772, "1": 0.511, "2": 0.0926, "3+": 0.0015, "closed": 0.0176, "written_off": 0.0},
    "2": {"0": 0.162, "1": 0.2235, "2": 0.4022, "3+": 0.1955, "closed": 0.0168, "written_off": 0.0},
    "3+": {"0": 0.0444, "1": 0.0889, "2": 0.1556, "3+": 0.5778, "closed": 0.0, "written_off": 0.1333},
}
"""Of 2,895 auto loans (Ally AART 2019-3), by `arrears.tapes.ally.transition_rates`; a test measures them again."""


def risk_of(credit_score: int) -> float:
    """How many times as likely as the average somebody in a played world is to fall behind: all that drives it.

    The mean over a world's customers is 1, so that it as a whole keeps the tape's rates.
    """
    return exp((680 - credit_score) / 100 - 0.18)


_MONEY_IN = {"repayment": 1, "waiver": 1, "recovery": 1, "reversal": -1}


@dataclass
class _Loan:
    """Dates as ISO text (they sort as dates), amounts in cents."""

    closed_on: str
    written_off_on: str
    due_on: list[str] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    movements: list[tuple[str, int]] = field(default_factory=list)


def transition_rates_of(directory: Path, first: date, last: date) -> Rates:
    """The rates of a directory of contract files over the month ends from `first` to `last`, each row adding to 1.

    Loans with a later schedule version and invented hard cases (`SYN-`) are left out.
    """
    return rates(count_transitions(directory, first, last))


def rates(counts: Mapping[tuple[str, str], int]) -> Rates:
    """Counts of transitions as shares of each from-state."""
    totals = {state: sum(n for (origin, _), n in counts.items() if origin == state) for state in STATES}
    return {
        state: {to: counts.get((state, to), 0) / total for to in (*STATES, *ENDS)}
        for state, total in totals.items()
        if total
    }


def count_transitions(directory: Path, first: date, last: date) -> Counter[tuple[str, str]]:
    """How often loans moved from one state to another between month ends from `first` to `last`."""
    ends = [month_end(add_months(first.replace(day=1), n)).isoformat() for n in range(_months(first, last) + 1)]
    counts: Counter[tuple[str, str]] = Counter()
    for loan in _read(directory).values():
        path = list(_path(loan, ends))
        counts.update(pairwise(path))
    return counts


def _months(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def _path(loan: _Loan, ends: list[str]) -> Iterator[str]:
    """The loan's states at the month ends, from its first one with an instalment due to its end."""
    order = sorted(range(len(loan.due_on)), key=lambda index: loan.due_on[index])
    due_on = [loan.due_on[index] for index in order]
    cumulative_due = list(accumulate(loan.amounts[index] for index in order))
    movements = sorted(loan.movements)
    days, paid = [day for day, _ in movements], [0, *accumulate(cents for _, cents in movements)]
    for end in ends:
        if loan.closed_on and loan.closed_on <= end:
            yield "closed"
            return
        if loan.written_off_on and loan.written_off_on <= end:
            yield "written_off"
            return
        due = bisect_left(due_on, end)
        if due:
            settled = bisect_right(cumulative_due, max(0, paid[bisect_right(days, end)]))
            yield STATES[min(max(0, due - settled), 3)]


def _read(directory: Path) -> dict[str, _Loan]:
    loans = _csv(directory, "loans", ["loan_id", "closed_on", "written_off_on"])
    schedule = _csv(
        directory,
        "repayment_schedule",
        ["loan_id", "schedule_version", "due_date", "principal_due", "interest_due", "fee_due"],
    )
    restructured = set(schedule.loc[schedule["schedule_version"] != "1", "loan_id"])
    found = {
        loan_id: _Loan(closed_on, written_off_on)
        for loan_id, closed_on, written_off_on in loans.itertuples(index=False)
        if not loan_id.startswith("SYN-") and loan_id not in restructured
    }
    amounts = [
        sum(parts)
        for parts in zip(
            *(_cents(schedule[column]) for column in ("principal_due", "interest_due", "fee_due")), strict=True
        )
    ]
    for loan_id, due_on, cents in zip(schedule["loan_id"], schedule["due_date"], amounts, strict=True):
        if loan_id in found:
            found[loan_id].due_on.append(due_on)
            found[loan_id].amounts.append(cents)
    _read_movements(directory, found)
    return found


def _read_movements(directory: Path, loans: dict[str, _Loan]) -> None:
    movements = _csv(directory, "loan_transactions", ["loan_id", "kind", "amount", "effective_on"])
    columns = zip(
        movements["loan_id"], movements["kind"], movements["effective_on"], _cents(movements["amount"]), strict=True
    )
    for loan_id, kind, day, cents in columns:
        if loan_id in loans and kind in _MONEY_IN:
            loans[loan_id].movements.append((day, _MONEY_IN[kind] * cents))


def _csv(directory: Path, table: str, columns: list[str]) -> pd.DataFrame:
    return pd.read_csv(directory / f"{table}.csv", dtype=str, keep_default_na=False, usecols=columns)[columns]


def _cents(amounts: "pd.Series[str]") -> list[int]:
    """Money written with exactly two decimals, in cents."""
    return [int(amount.replace(".", "")) for amount in amounts]

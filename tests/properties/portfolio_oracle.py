"""The portfolio marts as plain Python makes them: each loan, each day, one after the other, from `oracle.Loan`.

Nothing is shared with the SQL, which reads intervals and finds days by arithmetic.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from oracle import ONE_DAY, ZERO, Loan

Key = tuple[Any, ...]
Rows = dict[Key, dict[str, Any]]


@dataclass(frozen=True)
class Month:
    first: date

    @property
    def end(self) -> date:
        return (self.first.replace(day=28) + timedelta(days=4)).replace(day=1) - ONE_DAY

    @property
    def before(self) -> date:
        return self.first - ONE_DAY

    def later(self, months: int) -> "Month":
        month = self
        for _ in range(months):
            month = Month(month.end + ONE_DAY)
        return month


def months_until(first: date, newest: date) -> list[Month]:
    """The months from that of `first` to the last whose end has come by `newest`."""
    months = [Month(first.replace(day=1))]
    while months[-1].later(1).end <= newest:
        months.append(months[-1].later(1))
    return months


class Life:
    """One loan with what the marts say of it at a month's end."""

    def __init__(self, loan: Loan, jurisdiction: str) -> None:
        self.loan = loan
        self.jurisdiction = jurisdiction
        self.loan_id: str = loan.loan["loan_id"]
        self.product, self.currency = loan.loan["product"], loan.loan["currency"]
        self.disbursed_on: date = loan.loan["disbursed_on"]
        self.closed_on: date | None = loan.loan.get("closed_on")
        self.principal: Decimal = loan.loan["principal"]
        self.days_past_due = cache(loan.days_past_due)

    @property
    def is_real(self) -> bool:
        return self.closed_on is None or self.closed_on > self.disbursed_on

    def state(self, on: date) -> str:
        if not self.loan.exists(on):
            return "closed" if self.closed_on and self.closed_on <= on else "new"
        position = self.loan.position(on)
        assert position is not None
        return "written_off" if position["is_written_off"] else str(position["tier"])

    def is_delinquent(self, on: date) -> bool:
        return self.state(on) not in ("new", "closed", "written_off") and self.days_past_due(on) > 0

    def outstanding(self, on: date) -> Decimal:
        return self.loan.outstanding_principal(on) if self.loan.exists(on) else ZERO

    def last_day(self, until: date) -> date:
        return min(until, self.closed_on - ONE_DAY) if self.closed_on else until

    def ever(self, days: int, until: date) -> bool:
        day = self.disbursed_on
        while day <= self.last_day(until):
            if self.days_past_due(day) >= days:
                return True
            day += ONE_DAY
        return False

    def lost(self, until: date) -> Decimal | None:
        """The principal outstanding when the loan was written off, if it is on its last day by then."""
        day = self.last_day(until)
        if day < self.disbursed_on or not self.loan.is_written_off(day):
            return None
        while day > self.disbursed_on and self.loan.is_written_off(day - ONE_DAY):
            day -= ONE_DAY
        return self.outstanding(day)

    def moved_in(self, month: Month) -> bool:
        return self.disbursed_on <= month.end and not (self.closed_on and self.closed_on <= month.before)


def roll_rates(lives: Sequence[Life], months: Sequence[Month]) -> Rows:
    moves: Rows = defaultdict(lambda: {"loans": 0, "outstanding_principal": ZERO, "closing_principal": ZERO})
    for month in months:
        for life in lives:
            if life.moved_in(month):
                opening = life.state(month.before)
                key = (month.first, opening, life.state(month.end), life.product, life.currency)
                moves[key]["loans"] += 1
                moves[key]["outstanding_principal"] += (
                    life.principal if opening == "new" else life.outstanding(month.before)
                )
                moves[key]["closing_principal"] += life.outstanding(month.end)
    return dict(moves)


def tiers(lives: Sequence[Life], months: Sequence[Month]) -> Rows:
    stock: Rows = defaultdict(lambda: {"loans": 0, "arrears_amount": ZERO, "outstanding_principal": ZERO})
    for month in months:
        for life in lives:
            if life.loan.exists(month.end):
                state = life.state(month.end).replace("written_off", "write_off")
                row = stock[(month.end, state, life.product, life.jurisdiction, life.currency)]
                row["loans"] += 1
                row["arrears_amount"] += life.loan.arrears(month.end)
                row["outstanding_principal"] += life.outstanding(month.end)
    return dict(stock)


def cures(lives: Sequence[Life], months: Sequence[Month]) -> Rows:
    rows: dict[Key, Counter[str]] = defaultdict(Counter)
    for month in months:
        for life in lives:
            if life.moved_in(month) and life.is_delinquent(month.before):
                row = rows[(month.first, life.state(month.before), life.product, life.currency)]
                row["loans"] += 1
                outcome = _outcome(life, month)
                row[outcome] += 1
                for later in (1, 3):
                    relapsed = outcome == "cured" and any(
                        life.is_delinquent(month.later(number).end)
                        or life.state(month.later(number).end) == "written_off"
                        for number in range(1, later + 1)
                        if month.later(number).end <= months[-1].end
                    )
                    row[f"relapsed_{later}m"] += relapsed
    names = ("loans", "cured", "rescheduled", "closed", "written_off", "still_delinquent")
    return {
        key: {name: row[name] for name in names}
        | {
            f"relapsed_{later}m": row[f"relapsed_{later}m"]
            if row["cured"] and Month(key[0]).later(later).end <= months[-1].end
            else None
            for later in (1, 3)
        }
        for key, row in rows.items()
    }


def _outcome(life: Life, month: Month) -> str:
    state = life.state(month.end)
    if state in ("closed", "written_off"):
        return state
    if life.is_delinquent(month.end):
        return "still_delinquent"
    return "cured" if life.loan.version(month.end) == life.loan.version(month.before) else "rescheduled"


def vintages(lives: Sequence[Life], months: Sequence[Month], bands: Mapping[str, str]) -> Rows:
    """By month of disbursement, months on book, product, currency and score band (of each loan id)."""
    rows: Rows = {}
    for life in lives:
        cohort = life.disbursed_on.replace(day=1)
        for months_on_book, month in enumerate(month for month in months if month.first >= cohort):
            key = (cohort, months_on_book, life.product, life.currency, bands[life.loan_id])
            row = rows.setdefault(key, Counter())
            lost = life.lost(month.end)
            row["loans"] += 1
            row["principal"] += life.principal
            row["written_off"] += lost is not None
            row["written_off_principal"] += lost or ZERO
            for days in (30, 60, 90):
                row[f"ever_{days}"] += life.ever(days, month.end)
    return rows

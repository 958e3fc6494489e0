"""Plays an issuer: loans, borrowers and a servicer who files a tape every month.

The servicer's books are kept in the plainest way there is and share no rule with what reads the tape, so that its
reported days past due are a truth to be found again. Everything is invented.
"""

import calendar
import csv
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape

NAMESPACE = "http://www.sec.gov/edgar/document/absee/autoloan/assetdata"
Row = dict[str, str]


def month_days(year: int, month: int, day: int) -> date:
    """A day of a month counted on from another, the last where the month is too short."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def days_late(due_on: date, on: date, day_count: str) -> int:
    if day_count == "actual":
        return (on - due_on).days
    d1, d2 = due_on.day, on.day
    if d1 >= 30:
        d1, d2 = 30, min(d2, 30)
    return 360 * (on.year - due_on.year) + 30 * (on.month - due_on.month) + d2 - d1


@dataclass
class Books:
    """One loan in the servicer's books; amounts in cents."""

    asset_number: str
    originator: str
    day_count: str
    first_due: date
    due_day: int
    term: int
    instalment: int
    amount: int
    rate: float
    balance: int
    due: list[date] = field(default_factory=list)
    paid: int = 0
    rows: list[Row] = field(default_factory=list)
    last_payment: tuple[int, int] = (0, 0)
    """The last month's payment: cents, and principal in it."""
    last_paid_on: date | None = None
    is_over: bool = False

    def __post_init__(self) -> None:
        self.due = [
            month_days(self.first_due.year, self.first_due.month + number, self.due_day) for number in range(self.term)
        ]

    def status(self, on: date) -> int:
        """Days past due: how long ago the oldest instalment that is not paid whole was due."""
        unpaid = [day for number, day in enumerate(self.due, start=1) if number * self.instalment > self.paid]
        return max(0, days_late(unpaid[0], on, self.day_count)) if unpaid and unpaid[0] < on else 0

    def bill(self, on: date) -> int:
        """What the next statement asks for, arrears included and what was paid ahead taken off."""
        due = sum(1 for day in self.due if day < on) + 1
        return max(0, min(due, len(self.due)) * self.instalment - self.paid)


class Issuer:
    """An issuer with one pool; `publish` plays the months and gives all rows that were filed."""

    def __init__(self, name: str, *, day_count: str = "actual", seed: int = 1, re_ages: bool = False) -> None:
        self.name, self.day_count, self.re_ages = name, day_count, re_ages
        self.chance = Random(f"{name} {seed}")

    def publish(self, *, loans: int, months: int, start: date = date(2021, 1, 1)) -> list[Row]:
        pool = [self._new_loan(number, start) for number in range(loans)]
        rows: list[Row] = []
        for number in range(months):
            begins = month_days(start.year, start.month + number, 1)
            for loan in pool:
                if not loan.is_over:
                    rows.append(self._month(loan, begins, is_first=number == 0))
        return rows

    def _new_loan(self, number: int, start: date) -> Books:
        chance = self.chance
        term, age = chance.choice((36, 48, 60, 72)), chance.randint(0, 20)
        amount, rate = chance.randint(8_000_00, 40_000_00), chance.choice((0.0, 0.0349, 0.0729, 0.1995))
        monthly = rate / 12
        level = amount / term if not monthly else amount * monthly / (1 - (1 + monthly) ** -term)
        first = month_days(start.year, start.month - age, 1)
        loan = Books(
            asset_number=f"{number:06d}{chance.choice(('', '/+a==', 'x+/='))}",
            originator=self.name,
            day_count=self.day_count,
            first_due=first,
            due_day=chance.randint(1, 28),
            term=term,
            instalment=round(level),
            amount=amount,
            rate=rate,
            balance=amount,
        )
        for due_on in [day for day in loan.due if day < start]:
            self._pay(loan, loan.instalment, due_on)
        return loan

    def _pay(self, loan: Books, cents: int, on: date) -> int:
        """Book a payment; returns the principal in it."""
        interest = min(cents, round(loan.balance * loan.rate / 12))
        principal = min(loan.balance, cents - interest)
        loan.balance -= principal
        loan.paid += cents
        loan.last_payment, loan.last_paid_on = (cents, principal), on
        return principal

    def _month(self, loan: Books, begins: date, *, is_first: bool) -> Row:
        chance = self.chance
        ends = month_days(begins.year, begins.month, 31)
        before, late = loan.balance, loan.status(begins)
        extended = adjusted = 0
        if not is_first:
            extended = self._extend(loan, begins, late)
            adjusted = self._take_back(loan)
        fee = chance.choice((0, 0, 0, 25_00)) if late else 0
        cents = 0 if adjusted else self._choose_payment(loan, late, extended)
        loan.last_payment = (0, 0)
        on = begins + timedelta(days=chance.randint(0, (ends - begins).days))
        principal = self._pay(loan, cents, on) if cents else 0
        code, charged_off = self._end(loan, ends)
        row = self._row(loan, begins, ends, before, cents, principal, fee, extended, code, charged_off)
        loan.rows.append(row)
        return row

    def _choose_payment(self, loan: Books, late: int, extended: int) -> int:
        level, draw = loan.instalment, self.chance.random()
        if extended:
            return 0
        if late > 60:
            return level if draw < 0.3 else 3 * level if draw < 0.4 else 0
        if late:
            return level if draw < 0.5 else 2 * level if draw < 0.8 else 0
        return 0 if draw < 0.08 else level + 10_00 if draw < 0.1 else level // 2 if draw < 0.11 else level

    def _extend(self, loan: Books, begins: date, late: int) -> int:
        """Two more months for some: all that is not yet due, or everything unpaid where the servicer re-ages."""
        if (late and not self.re_ages) or self.chance.random() > 0.02:
            return 0
        unpaid = {day for number, day in enumerate(loan.due, start=1) if number * loan.instalment > loan.paid}
        loan.due = [
            month_days(day.year, day.month + 2, loan.due_day)
            if day >= begins or (self.re_ages and day in unpaid)
            else day
            for day in loan.due
        ]
        return 2

    def _take_back(self, loan: Books) -> int:
        """Some payments of the month before come back whole; the principal that goes back."""
        cents, principal = loan.last_payment
        if principal <= 0 or self.chance.random() > 0.02:
            return 0
        loan.paid -= cents
        loan.balance += principal
        return principal

    def _end(self, loan: Books, ends: date) -> tuple[str, int]:
        if loan.balance <= 0 or (not loan.status(ends) and self.chance.random() < 0.005):
            loan.is_over = True
            return "1", 0
        if loan.status(ends) > 120:
            loan.is_over, lost, loan.balance = True, loan.balance, 0
            return "4", lost
        return "", 0

    def _row(
        self,
        loan: Books,
        begins: date,
        ends: date,
        before: int,
        cents: int,
        principal: int,
        fee: int,
        extended: int,
        code: str,
        charged_off: int,
    ) -> Row:
        if code == "1":
            cents, principal, loan.balance = cents + loan.balance, principal + loan.balance, 0
        return {
            "assetTypeNumber": "Sponsor Assigned",
            "assetNumber": loan.asset_number,
            "reportingPeriodBeginningDate": f"{begins:%m-%d-%Y}",
            "reportingPeriodEndingDate": f"{ends:%m-%d-%Y}",
            "originatorName": loan.originator,
            "originationDate": f"{month_days(loan.first_due.year, loan.first_due.month - 1, 1):%m/%Y}",
            "originalLoanAmount": dollars(loan.amount),
            "originalLoanTerm": str(loan.term),
            "loanMaturityDate": f"{loan.due[-1]:%m/%Y}",
            "originalInterestRatePercentage": f"{loan.rate:.4f}",
            "originalFirstPaymentDate": f"{loan.first_due:%m/%Y}",
            "subvented": "0",
            "obligorGeographicLocation": "OH",
            "reportingPeriodModificationIndicator": "true" if extended else "false",
            "reportingPeriodBeginningLoanBalanceAmount": dollars(before),
            "nextReportingPeriodPaymentAmountDue": "0" if code else dollars(loan.bill(ends)),
            "reportingPeriodActualEndBalanceAmount": dollars(loan.balance),
            "reportingPeriodScheduledPaymentAmount": dollars(loan.instalment),
            "totalActualAmountPaid": dollars(cents + fee),
            "actualPrincipalCollectedAmount": dollars(principal),
            "actualOtherCollectedAmount": dollars(fee),
            "interestPaidThroughDate": f"{loan.last_paid_on:%m-%d-%Y}" if loan.last_paid_on else "-",
            "zeroBalanceEffectiveDate": f"{ends:%m/%Y}" if code else "-",
            "zeroBalanceCode": code or "-",
            "currentDelinquencyStatus": "-" if code else str(loan.status(ends)),
            "chargedoffPrincipalAmount": dollars(charged_off) if charged_off else "-",
            "recoveredAmount": "-",
            "paymentExtendedNumber": str(extended),
        }


def dollars(cents: int) -> str:
    return f"{cents / 100:.8f}"


def write_csv(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as a CSV, gzipped when the name says so."""
    rows = list(rows)
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_xml(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as exhibit 102 is filed: elements without a value are left out, some elements come twice."""
    path.write_text("".join(_xml(rows)), encoding="utf-8")
    return path


def _xml(rows: Iterable[Row]) -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<assetData xmlns="{NAMESPACE}">\n'
    for row in rows:
        yield "  <assets>\n"
        for name, value in row.items():
            if value != "-":
                yield f"    <{name}>{escape(value)}</{name}>\n"
            if name == "subvented":
                yield "    <subvented>2</subvented>\n"
        yield "  </assets>\n"
    yield "</assetData>\n"

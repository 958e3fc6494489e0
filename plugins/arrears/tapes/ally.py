"""Ally Auto Receivables Trust 2019-3: a real loan tape, turned into the source contract.

The tape gives, for 2,895 loans, the level instalment, rate and term, the position of 31 August 2019 with its days past
due, and each later month's payment and balance. What it does not give is assumed or invented, and said so column by
column in `core_banking.data_origin` and `docs/source.md`.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.domain.amortisation import due_dates, split
from arrears.errors import SourceFileError
from arrears.settings import get_settings
from arrears.simulator.book import Book, Borrower, Instalment, Loan, total
from arrears.simulator.calibration import Rates, transition_rates_of
from arrears.simulator.hard_cases import add_hard_cases
from arrears.simulator.places import US_STATES
from arrears.simulator.staff import add_collectors
from arrears.source.files import Progress
from arrears.source.load import LoadReport, load_directory
from arrears.source.writer import ContractWriter
from arrears.tapes.ally_origins import ORIGINS

CUT_OFF = date(2019, 8, 31)
"""The day whose position is published, days past due included: month 0."""
LAST_DAY = date(2023, 6, 30)
_LOANS_FILE = "ally_aart2895_2019_loans.csv.gz"
_MONTHS_FILE = "ally_aart2895_2019_monthly.csv.gz"
_ASSUMED_LAST_DUE_DAY = 28
_REVERSAL_LOOK_BACK = 3
"""Months between a payment and the month in which its reversal may show."""
_HIRED_ON = date(2019, 3, 1)

_LOAN_COLUMNS = (
    "assetNumber originationDate originalLoanAmount originalInterestRatePercentage originalFirstPaymentDate "
    "loanMaturityDate reportingPeriodScheduledPaymentAmount nextReportingPeriodPaymentAmountDue "
    "currentDelinquencyStatus interestPaidThroughDate obligorCreditScore paymentToIncomePercentage "
    "obligorGeographicLocation"
).split()
_MONTH_COLUMNS = (
    "assetNumber month_index reportingPeriodEndingDate endBalance_BAL principalCollected_PRC "
    "totalActualAmountPaid_PMT recoveredAmount_REC"
).split()


def load_tape(
    core_banking: Connection,
    warehouse: Connection,
    directory: Path,
    *,
    description: str | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Make the tape, and the hard cases beside it, the source: a new generation. Commits.

    Raises:
        SourceFileError: a file of the tape is missing or is not what this module knows how to read.
    """
    with tempfile.TemporaryDirectory(prefix="arrears-tape-") as scratch:
        write_contract(directory, Path(scratch))
        return load_directory(
            core_banking,
            warehouse,
            Path(scratch),
            replace=True,
            description=description or "tape ally (AART 2019-3), people and SYN- rows synthetic",
            origins=ORIGINS,
            progress=progress,
        )


def write_contract(directory: Path, out: Path, *, hard_cases: bool = True) -> dict[str, int]:
    """Write the tape as contract files into `out`; returns the rows by table. Same tape, same bytes."""
    tape = read_tape(directory)
    with ContractWriter(out) as writer:
        book = Book(writer, get_settings().bank_tz)
        for loan in tape:
            _write_loan(book, loan)
        if hard_cases:
            add_collectors(book, _HIRED_ON, LAST_DAY)
            add_hard_cases(book, CUT_OFF)
        book.feeds_complete_to(LAST_DAY)
    return writer.row_counts


def transition_rates(directory: Path, first: date, last: date) -> Rates:
    """What the tape's loans did from one month end to the next, months `first` to `last` (month ends)."""
    with tempfile.TemporaryDirectory(prefix="arrears-tape-") as scratch:
        write_contract(directory, Path(scratch), hard_cases=False)
        return transition_rates_of(Path(scratch), first, last)


# Reading ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Month:
    """One month of one loan; amounts in cents."""

    index: int
    ends_on: date
    balance: int | None
    """None after the charge-off."""
    principal: int
    paid: int
    recovered: int


@dataclass(frozen=True)
class TapeLoan:
    """One loan as published; amounts in cents."""

    loan_id: str
    originated_on: date
    amount: int
    rate: Decimal
    first_due_month: date
    last_due_month: date
    instalment: int
    due_next: int
    days_past_due: int
    interest_paid_to: date
    credit_score: int | None
    payment_to_income: Decimal
    state: str
    months: tuple[Month, ...]


def read_tape(directory: Path) -> list[TapeLoan]:
    """Read the two files of the tape, loans in the order of their ids.

    Raises:
        SourceFileError: a file or a column is missing, or a value cannot be read.
    """
    loans = _read(directory / _LOANS_FILE, _LOAN_COLUMNS)
    months = _read(directory / _MONTHS_FILE, _MONTH_COLUMNS)
    try:
        by_loan: dict[str, list[Month]] = defaultdict(list)
        for row in months.to_dict("records"):
            by_loan[row["assetNumber"]].append(_month(row))
        return [_loan(row, by_loan) for row in loans.sort_values("assetNumber").to_dict("records")]
    except (ValueError, ArithmeticError, KeyError) as error:
        raise SourceFileError([f"{directory}: not the Ally tape as documented in docs/source.md: {error}"]) from error


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.is_file():
        raise SourceFileError([f"{path} is missing: the Ally tape is {_LOANS_FILE} and {_MONTHS_FILE}"])
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise SourceFileError([f"{path.name}: the column {column!r} is missing" for column in missing])
    return frame[columns]


def _cents(text: str) -> int:
    cents = Decimal(text or 0) * 100
    if cents != cents.to_integral_value():
        raise ValueError(f"{text} is not an amount in whole cents")
    return int(cents)


def _month_of(text: str) -> date:
    month, year = text.split("/")
    return date(int(year), int(month), 1)


def _us_date(text: str) -> date:
    month, day, year = text.split("-")
    return date(int(year), int(month), int(day))


def _month(row: dict[Any, str]) -> Month:
    return Month(
        index=int(row["month_index"]),
        ends_on=date.fromisoformat(row["reportingPeriodEndingDate"]),
        balance=_cents(row["endBalance_BAL"]) if row["endBalance_BAL"] else None,
        principal=_cents(row["principalCollected_PRC"]),
        paid=_cents(row["totalActualAmountPaid_PMT"]),
        recovered=_cents(row["recoveredAmount_REC"]),
    )


def _loan(row: dict[Any, str], months: dict[str, list[Month]]) -> TapeLoan:
    score = row["obligorCreditScore"]
    return TapeLoan(
        loan_id=row["assetNumber"],
        originated_on=_month_of(row["originationDate"]),
        amount=_cents(row["originalLoanAmount"]),
        rate=Decimal(row["originalInterestRatePercentage"]),
        first_due_month=_month_of(row["originalFirstPaymentDate"]),
        last_due_month=_month_of(row["loanMaturityDate"]),
        instalment=_cents(row["reportingPeriodScheduledPaymentAmount"]),
        due_next=_cents(row["nextReportingPeriodPaymentAmountDue"]),
        days_past_due=int(row["currentDelinquencyStatus"]),
        interest_paid_to=_us_date(row["interestPaidThroughDate"]),
        credit_score=int(score) if score.isdigit() else None,
        payment_to_income=Decimal(row["paymentToIncomePercentage"]),
        state=row["obligorGeographicLocation"],
        months=tuple(sorted(months[row["assetNumber"]], key=lambda month: month.index)),
    )


# Deriving --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Opening:
    """The position of the cut-off in terms of the schedule; amounts in cents."""

    oldest_unpaid: date | None
    owed: int
    """Unpaid of the instalments due before the cut-off."""
    fee: int
    """What is owed beyond whole instalments: a fee on the oldest unpaid one."""
    credit: int
    """Paid ahead."""


def due_day(loan: TapeLoan) -> int:
    """The day of the month: published for a loan that is behind, otherwise assumed."""
    if loan.days_past_due > 0:
        return (CUT_OFF - timedelta(days=loan.days_past_due)).day
    return min(loan.interest_paid_to.day, _ASSUMED_LAST_DUE_DAY)


def opening(loan: TapeLoan) -> Opening:
    """What the published status and the next amount due say about the cut-off."""
    beyond = loan.due_next - loan.instalment
    if loan.days_past_due == 0:
        return Opening(oldest_unpaid=None, owed=0, fee=0, credit=max(0, -beyond))
    oldest = CUT_OFF - timedelta(days=loan.days_past_due)
    overdue = sum(1 for day in _due_dates(loan) if oldest <= day < CUT_OFF)
    fee = max(0, beyond - overdue * loan.instalment)
    return Opening(oldest_unpaid=oldest, owed=beyond, fee=fee, credit=0)


def schedule(loan: TapeLoan) -> list[Instalment]:
    """Level instalments from the first payment month to the maturity month; the last clears the balance."""
    days = _due_dates(loan)
    start = opening(loan)
    return [
        Instalment(number, day, principal, interest, start.fee if day == start.oldest_unpaid else 0)
        for number, (day, (principal, interest)) in enumerate(
            zip(days, split(loan.amount, loan.rate, loan.instalment, len(days)), strict=False), start=1
        )
    ]


def _due_dates(loan: TapeLoan) -> list[date]:
    first, last = loan.first_due_month, loan.last_due_month
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return list(islice(due_dates(first, due_day(loan)), count))


def opening_payments(loan: TapeLoan, instalments: Iterable[Instalment]) -> Iterator[tuple[int, date, int]]:
    """Payments that lead to the opening position: each instalment on its day, as number, date and cents (assumed).

    The arrears lie on the newest instalments; what is left of the oldest unpaid one was paid.
    """
    start = opening(loan)
    due = [instalment for instalment in instalments if instalment.due_on < CUT_OFF]
    if loan.days_past_due == 0:
        due = [instalment for instalment in instalments if instalment.due_on <= CUT_OFF]
    to_pay = total(due) - start.owed
    for instalment in due:
        paid = min(to_pay, instalment.amount)
        if paid > 0:
            yield instalment.number, instalment.due_on, paid
        to_pay -= paid


@dataclass(frozen=True)
class Outcome:
    """How a loan ended, if it did."""

    status: str
    closed_on: date | None = None
    written_off_on: date | None = None
    charged_off: int = 0


def outcome(loan: TapeLoan) -> Outcome:
    """Paid off when the last payment covered the balance, written off when the balance vanished without one."""
    before: Month | None = None
    ended: Month | None = None
    for month in loan.months:
        if month.balance is not None and month.balance > 0:
            before, ended = month, None
        elif ended is None:
            ended = month
    if ended is None:
        return Outcome("active")
    owed = before.balance or 0 if before else 0  # Without a month before, it was paid off in month 0.
    if ended.principal >= owed:
        return Outcome("closed", closed_on=ended.ends_on)
    return Outcome("written_off", written_off_on=ended.ends_on, charged_off=owed - ended.principal)


def reversals(loan: TapeLoan) -> Iterator[tuple[Month, Month, int]]:
    """Reversed payments as far as the balance shows them: the month, the month of the payment, cents.

    The balance rises by far more than the month's own money. The whole payment went back when the rise is its whole
    principal; otherwise only the rise is known to have gone back.
    """
    reversed_already: set[int] = set()
    for position in range(1, len(loan.months)):
        month, rise = loan.months[position], _rise(loan.months[position - 1], loan.months[position])
        if rise <= 2 * month.paid:
            continue
        for payment in loan.months[max(1, position - _REVERSAL_LOOK_BACK) : position][::-1]:
            if payment.principal >= rise and payment.index not in reversed_already:
                reversed_already.add(payment.index)
                yield month, payment, payment.paid if payment.principal == rise else rise
                break


def _rise(before: Month, month: Month) -> int:
    """By how much a positive balance is higher than the month's payment explains; 0 where that cannot be told."""
    if before.balance is None or month.balance is None or month.balance <= 0:
        return 0
    return month.balance - (before.balance - month.principal)


# Writing ---------------------------------------------------------------------------------------------------------
def _write_loan(book: Book, loan: TapeLoan) -> None:
    instalments = schedule(loan)
    end = outcome(loan)
    customer_id = f"C{loan.loan_id}"
    book.customer(
        Borrower(
            customer_id=customer_id,
            place=US_STATES[loan.state],
            since=loan.originated_on,
            monthly_income=f"{loan.instalment / loan.payment_to_income / 100:.2f}" if loan.payment_to_income else None,
            credit_score=loan.credit_score,
        )
    )
    book.loan(
        Loan(
            loan_id=loan.loan_id,
            customer_id=customer_id,
            product="auto",
            currency="USD",
            principal=loan.amount,
            annual_rate=loan.rate,
            disbursed_on=loan.originated_on,
            maturity_on=instalments[-1].due_on,
            status=end.status,
            closed_on=end.closed_on,
            written_off_on=end.written_off_on,
        )
    )
    book.schedule(loan.loan_id, instalments, loan.originated_on)
    _write_transactions(book, loan, instalments, end)


def _write_transactions(book: Book, loan: TapeLoan, instalments: list[Instalment], end: Outcome) -> None:
    loan_id = loan.loan_id
    for number, day, cents in opening_payments(loan, instalments):
        book.transaction(f"{loan_id}-O{number:02d}", loan_id, "repayment", cents, day, channel="opening")
    if credit := opening(loan).credit:
        book.transaction(f"{loan_id}-OC", loan_id, "repayment", credit, CUT_OFF, channel="opening")
    for month in loan.months:
        if month.index > 0 and month.paid > 0:
            book.transaction(f"{loan_id}-P{month.index:02d}", loan_id, "repayment", month.paid, month.ends_on)
        if month.recovered > 0:
            book.transaction(f"{loan_id}-V{month.index:02d}", loan_id, "recovery", month.recovered, month.ends_on)
    for month, payment, cents in reversals(loan):
        reverses = f"{loan_id}-P{payment.index:02d}"
        book.transaction(f"{loan_id}-R{month.index:02d}", loan_id, "reversal", cents, month.ends_on, reverses=reverses)
    if end.written_off_on:
        book.transaction(f"{loan_id}-W", loan_id, "write_off", end.charged_off, end.written_off_on)

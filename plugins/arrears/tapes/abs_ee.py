"""The loan-level auto tape as filed with the US regulator (Form ABS-EE, exhibit 102), turned into the source contract.

A row is one loan in one reporting period. What is published comes out exactly; what is not (due days, payment days,
the time before the first row) is derived or assumed, column by column, in `core_banking.data_origin` and
`docs/source.md`. There are no people on a tape: a customer is a number, nothing is invented.
"""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.domain.amortisation import add_months
from arrears.errors import SourceFileError
from arrears.settings import get_settings
from arrears.simulator.book import Book
from arrears.source.files import Progress
from arrears.source.load import LoadReport, load_directory
from arrears.source.writer import ContractWriter
from arrears.tapes.abs_ee_files import find_tape_files, read_tape_file
from arrears.tapes.abs_ee_origins import ORIGINS
from arrears.tapes.abs_ee_store import RowCounts, TapeStore
from arrears.tapes.booking import write_loan
from arrears.tapes.day_count import ACTUAL, ENOUGH_EVIDENCE, THIRTY_360, Observation, evidence
from arrears.tapes.derivation import level_payment
from arrears.tapes.loan import Month, TapeLoan, month_number

_PERCENT_FROM = Decimal("0.5")
"""No car loan costs 50 % a year: a rate from here on is in per cent, not a fraction."""


@dataclass
class TapeSummary:
    """What was read of a tape, for those who load it."""

    counts: RowCounts = field(default_factory=RowCounts)
    loans: int = 0
    left_out: int = 0
    """Loans without original terms: no row states them."""
    day_counts: dict[str, str] = field(default_factory=dict)
    """How each originator's servicer counts days past due, where that could be told."""
    last_day: date = date.min
    evidence: set[tuple[str, date]] = field(default_factory=set)
    """Loans and period ends whose reported status told the day count."""

    @property
    def usual_day_count(self) -> str:
        """How most count of whom it is known. The others follow them: often one is another spelling of theirs."""
        return _majority(self.day_counts.values())

    def lines(self) -> list[str]:
        """What a person should know of the tape, in sentences."""
        rows = self.counts
        lines = [f"Tape: {rows.rows:,} rows of {self.loans:,} loans to {self.last_day}"]
        if rows.repeated or rows.refiled:
            lines.append(f"{rows.repeated:,} rows repeated to the letter, {rows.refiled:,} replaced by a later filing")
        if self.left_out:
            lines.append(f"{self.left_out:,} loans left out: no row states their original terms")
        counted = ", ".join(f"{name or 'unnamed'} {count}" for name, count in sorted(self.day_counts.items()))
        if counted:
            lines.append(f"Days past due are counted: {counted}; others {self.usual_day_count}")
        return lines


def load_tape(
    core_banking: Connection,
    warehouse: Connection,
    paths: Sequence[Path],
    *,
    replace: bool = False,
    progress: Progress | None = None,
) -> tuple[LoadReport, TapeSummary]:
    """Make the tape the source. Commits.

    Raises:
        SourceFileError: a file is not of the form, a column is missing or a value cannot be read. Nothing was loaded.
    """
    with tempfile.TemporaryDirectory(prefix="arrears-tape-") as scratch:
        out = Path(scratch) / "contract"
        summary = write_contract(paths, out, progress=progress)
        report = load_directory(
            core_banking,
            warehouse,
            out,
            replace=replace,
            description=f"tape abs-ee, {summary.loans} loans to {summary.last_day}",
            origins=ORIGINS,
            progress=progress,
        )
    return report, summary


def write_contract(paths: Sequence[Path], out: Path, *, progress: Progress | None = None) -> TapeSummary:
    """Write the tape as contract files into `out`. Same tape, same bytes; memory does not grow with the tape.

    Raises:
        SourceFileError: as `load_tape`.
    """
    with opened_tape(paths, progress) as store:
        summary = TapeSummary(counts=store.counts)
        for _ in write_loans(store, summary, out, progress):
            pass
    return summary


def write_loans(
    store: TapeStore, summary: TapeSummary, out: Path, progress: Progress | None = None
) -> Iterator[TapeLoan]:
    """Write a sorted tape as contract files into `out`, and yield each loan that was written.

    The files are complete, and so is the summary, once all loans were taken.

    Raises:
        SourceFileError: no loan has its original terms.
    """
    with ContractWriter(out) as writer:
        book = Book(writer, get_settings().bank_tz)
        for loan in tape_loans(store, summary):
            _write_customer(book, loan)
            write_loan(book, loan, f"C{loan.loan_id}")
            if progress is not None:
                progress("loans of the tape", 1)
            yield loan
        if summary.loans == 0:
            raise SourceFileError(
                ["the tape has no loan with its original terms: expected originalLoanAmount and so on"]
            )
        book.feeds_complete_to(summary.last_day)


@contextmanager
def opened_tape(paths: Sequence[Path], progress: Progress | None = None) -> Iterator[TapeStore]:
    """The rows of all files, checked and sorted, for as long as the context lasts.

    Raises:
        SourceFileError: as `load_tape`.
    """
    files = find_tape_files(paths)
    with tempfile.TemporaryDirectory(prefix="arrears-tape-") as scratch, TapeStore(Path(scratch)) as store:
        for path in files:
            before = store.counts.rows
            for frame in read_tape_file(path):
                store.add(frame)
                if progress is not None:
                    progress("rows of the tape", len(frame))
            if store.counts.rows == before:
                raise SourceFileError([f"{path.name}: holds no rows"])
        store.sort()
        yield store


def _write_customer(book: Book, loan: TapeLoan) -> None:
    book.add("customers", changed_on=loan.originated_on, customer_id=f"C{loan.loan_id}", jurisdiction="US")


# Loans -----------------------------------------------------------------------------------------------------------
def tape_loans(store: TapeStore, summary: TapeSummary) -> Iterator[TapeLoan]:
    """The loans of a sorted tape, in the order of their numbers; fills the summary on the way."""
    summary.day_counts, summary.evidence = _day_counts(store)
    billing = store.billing_originators()
    for loan_id, rows in store.loans():
        summary.last_day = max(summary.last_day, _day(rows[-1].reportingPeriodEndingDate))
        loan = _loan(loan_id, rows, summary, billing)
        if loan is None:
            summary.left_out += 1
        else:
            summary.loans += 1
            yield loan


def _day_counts(store: TapeStore) -> tuple[dict[str, str], set[tuple[str, date]]]:
    """How each originator's servicer counts, by the first months in which a late loan tells it, and which those are."""
    originators: dict[str, str] = {}
    votes: dict[str, list[str]] = defaultdict(list)
    used: set[tuple[str, date]] = set()
    for seen, count in evidence(_observations(store, originators, votes)):
        found = votes[originators[seen.loan_id]]
        if len(found) < ENOUGH_EVIDENCE:
            found.append(count)
            used.add((seen.loan_id, seen.ends_on))
    return {name: _majority(counts) for name, counts in votes.items() if counts}, used


def _majority(counts: Iterable[str]) -> str:
    """What most say; calendar days where they are even."""
    of_each = Counter(counts)
    return THIRTY_360 if of_each[THIRTY_360] > of_each[ACTUAL] else ACTUAL


def _observations(store: TapeStore, originators: dict[str, str], votes: dict[str, list[str]]) -> Iterator[Observation]:
    """What may tell how days are counted, until enough is known of every originator."""
    open_questions = store.originators()
    for loan_id, rows in store.loans():
        originator = rows[0].originatorName or ""
        if len(votes[originator]) >= ENOUGH_EVIDENCE:
            open_questions.discard(originator)
        if not open_questions:
            return
        if originator not in open_questions or not any(row.currentDelinquencyStatus for row in rows):
            continue
        originators[loan_id] = originator
        months = _months(rows)
        yield Observation(loan_id, months[0].ends_on, months[0].days_past_due or 0, nothing_happened=False)
        for before, month in pairwise(months):
            yield Observation(loan_id, month.ends_on, month.days_past_due or 0, _nothing_happened(before, month))


def _nothing_happened(before: Month, month: Month) -> bool:
    return (
        month.paid == 0
        and month.extended == 0
        and month.index == before.index + 1
        and month.balance == before.balance
        and month.matures_on == before.matures_on
    )


def _loan(loan_id: str, rows: Sequence[Any], summary: TapeSummary, billing: set[str]) -> TapeLoan | None:
    """A loan from its rows; None where no row states its terms."""
    terms = next((row for row in rows if row.originalLoanAmount and row.originalFirstPaymentDate), None)
    if terms is None or terms.originationDate is None or terms.originalLoanAmount <= 0:
        return None
    first = rows[0]
    months = _months(rows)
    if (first.originatorName or "") not in billing:
        months = tuple(replace(month, due_next=None) for month in months)
    first_due = _day(terms.originalFirstPaymentDate)
    last_due = _last_due(first_due, first.loanMaturityDate, terms.originalLoanTerm)
    rate = _rate(terms.originalInterestRatePercentage)
    count = month_number(last_due) - month_number(first_due) + 1
    originator = first.originatorName or ""
    return TapeLoan(
        loan_id=loan_id,
        originator=originator,
        originated_on=_day(terms.originationDate),
        amount=terms.originalLoanAmount,
        rate=rate,
        first_due_month=first_due.replace(day=1),
        last_due_month=last_due.replace(day=1),
        instalment=level_payment(terms.originalLoanAmount, rate, count, months),
        months=months,
        interest_paid_to=_day_or_none(first.interestPaidThroughDate),
        credit_score=int(first.obligorCreditScore) if (first.obligorCreditScore or "").isdigit() else None,
        payment_to_income=Decimal(first.paymentToIncomePercentage or 0) or None,
        state=first.obligorGeographicLocation or "",
        day_count=summary.day_counts.get(originator, summary.usual_day_count),
    )


def _last_due(first_due: date, maturity: str | None, term: int | None) -> date:
    """The maturity month as the first row states it; by the term where it is missing or no later than the start."""
    stated = _day_or_none(maturity)
    if stated is not None and stated >= first_due:
        return stated
    return add_months(first_due, max(1, term or 1) - 1, 1)


def _rate(text: str | None) -> Decimal:
    rate = Decimal(text or 0)
    return rate / 100 if rate >= _PERCENT_FROM else rate


def _months(rows: Sequence[Any]) -> tuple[Month, ...]:
    months: list[Month] = []
    first = month_number(_day(rows[0].reportingPeriodEndingDate))
    for row in rows:
        index = month_number(_day(row.reportingPeriodEndingDate)) - first
        # Periods that are no calendar months may end twice in one.
        months.append(_month(row, max(index, months[-1].index + 1) if months else index))
    return tuple(months)


def _month(row: Any, index: int) -> Month:
    return Month(
        ends_on=_day(row.reportingPeriodEndingDate),
        balance=row.reportingPeriodActualEndBalanceAmount,
        principal=row.actualPrincipalCollectedAmount or 0,
        paid=row.totalActualAmountPaid or 0,
        index=index,
        begins_on=_day_or_none(row.reportingPeriodBeginningDate),
        balance_before=row.reportingPeriodBeginningLoanBalanceAmount,
        other=row.actualOtherCollectedAmount,
        recovered=row.recoveredAmount or 0,
        charged_off=row.chargedoffPrincipalAmount or 0,
        scheduled=row.reportingPeriodScheduledPaymentAmount or 0,
        due_next=row.nextReportingPeriodPaymentAmountDue,
        # Below 0 is paid ahead.
        days_past_due=None if row.currentDelinquencyStatus is None else max(0, row.currentDelinquencyStatus),
        extended=row.paymentExtendedNumber or 0,
        zero_balance_code=row.zeroBalanceCode or "",
        matures_on=_day_or_none(row.loanMaturityDate),
    )


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _day_or_none(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None

"""Writes a loan of a tape as contract rows; the borrower is the caller's business."""

from collections.abc import Sequence

from arrears.simulator.book import Book, Instalment, Loan
from arrears.tapes.derivation import (
    later_versions,
    opening,
    opening_payments,
    outcome,
    payments,
    recoveries,
    reversals,
    schedule,
)
from arrears.tapes.loan import TapeLoan


def write_loan(book: Book, loan: TapeLoan, customer_id: str) -> None:
    """Write the loan, its schedule with all versions, and its transactions."""
    instalments = schedule(loan)
    end = outcome(loan)
    versions = later_versions(loan, instalments)
    # Some servicers report a first payment in the very month of origination, or before it.
    disbursed_on = min(loan.originated_on, instalments[0].due_on)
    book.loan(
        Loan(
            loan_id=loan.loan_id,
            customer_id=customer_id,
            product="auto",
            currency="USD",
            principal=loan.amount,
            annual_rate=loan.rate,
            disbursed_on=disbursed_on,
            maturity_on=(versions[-1].instalments if versions else instalments)[-1].due_on,
            day_count=loan.day_count,
            status=end.status,
            closed_on=end.closed_on,
            written_off_on=end.written_off_on,
        )
    )
    book.schedule(loan.loan_id, instalments, disbursed_on)
    for version in versions:
        book.schedule(loan.loan_id, version.instalments, version.effective_from, version=version.number)
    last_opening = _write_opening(book, loan, instalments)
    _write_money(book, loan, last_opening)
    if end.written_off_on and end.charged_off > 0:
        book.transaction(f"{loan.loan_id}-W", loan.loan_id, "write_off", end.charged_off, end.written_off_on)


def _write_opening(book: Book, loan: TapeLoan, instalments: Sequence[Instalment]) -> tuple[str, int]:
    """Write the payments behind the opening position; returns the last one's id and cents."""
    last, loan_id = ("", 0), loan.loan_id
    for number, day, cents in opening_payments(loan, instalments):
        last = f"{loan_id}-O{number:02d}", cents
        book.transaction(last[0], loan_id, "repayment", cents, day, channel="opening")
    if credit := opening(loan).credit:
        book.transaction(f"{loan_id}-OC", loan_id, "repayment", credit, loan.first.ends_on, channel="opening")
    return last


def _write_money(book: Book, loan: TapeLoan, last_opening: tuple[str, int]) -> None:
    loan_id = loan.loan_id
    for payment in payments(loan):
        book.transaction(
            f"{loan_id}-P{payment.index:02d}", loan_id, "repayment", payment.amount, payment.on, channel=payment.channel
        )
    for recovery in recoveries(loan):
        book.transaction(f"{loan_id}-V{recovery.index:02d}", loan_id, "recovery", recovery.amount, recovery.on)
    for back in reversals(loan):
        reverses, cents = f"{loan_id}-P{back.payment.index:02d}", back.amount
        if back.payment.index == 0:
            reverses, cents = last_opening[0], min(cents, last_opening[1])
        if cents > 0:
            book.transaction(f"{loan_id}-R{back.index:02d}", loan_id, "reversal", cents, back.on, reverses=reverses)

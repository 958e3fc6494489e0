"""A tape of a few invented loans in the Ally tape's form, one for each thing that can happen to a loan."""

import csv
import gzip
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from arrears.domain.amortisation import add_months, month_end
from arrears.tapes.ally import LOANS_FILE, MONTHS_FILE

_LOAN_COLUMNS = (
    "assetNumber originationDate originalLoanAmount originalInterestRatePercentage originalFirstPaymentDate "
    "loanMaturityDate reportingPeriodScheduledPaymentAmount nextReportingPeriodPaymentAmountDue "
    "currentDelinquencyStatus interestPaidThroughDate obligorCreditScore paymentToIncomePercentage "
    "obligorGeographicLocation reportingPeriodEndingDate reportingPeriodActualEndBalanceAmount "
    "actualPrincipalCollectedAmount totalActualAmountPaid"
).split()
_MONTH_COLUMNS = (
    "assetNumber month_index reportingPeriodEndingDate endBalance_BAL principalCollected_PRC "
    "totalActualAmountPaid_PMT recoveredAmount_REC"
).split()


@dataclass
class MiniLoan:
    """One loan of 7,200.00 in 72 instalments of 120.00, first due in March 2019."""

    loan_id: str
    days_past_due: int = 0
    due_next: str = "120"
    interest_paid_to: str = "08-20-2019"
    score: str = "700"
    state: str = "CA"
    opening_balance: str = "6700"
    months: list[tuple[str, str, str, str]] = field(default_factory=list)
    """From September 2019 on: balance, principal, payment, recovery."""


LOANS = [
    MiniLoan("1001"),
    MiniLoan("1002", interest_paid_to="07-31-2019", score="None", state="FL"),
    MiniLoan("1003", days_past_due=10, due_next="240"),
    MiniLoan("1004", days_past_due=41, due_next="300"),
    MiniLoan("1005", days_past_due=13, due_next="241.80"),
    MiniLoan("1006", days_past_due=31, due_next="240"),
    MiniLoan("1007", due_next="0"),
    MiniLoan("1008", due_next="121.50"),
    MiniLoan("1009", months=[("6600", "100", "140", ""), ("0", "6600", "6650.55", "")]),
    MiniLoan("1010", months=[("6600", "100", "140", ""), ("0", "0", "0", ""), ("", "0", "0", "55.50")]),
    MiniLoan("1011", months=[("6600", "100", "140", ""), ("6700", "0", "0", ""), ("6600", "100", "140", "")]),
    MiniLoan("1012", months=[("6400", "300", "330", ""), ("6500", "0", "0", "")]),
    MiniLoan("1013", months=[("0", "6700", "6750", ""), ("6700", "0", "0", ""), ("6600", "100", "140", "")]),
    MiniLoan("1014", months=[("6600", "100", "140", ""), ("6640", "0", "40", "")]),
    MiniLoan("1016", opening_balance="0", due_next="0"),
    MiniLoan("1015", months=[("-5.25", "6705.25", "6755.25", ""), ("0", "0", "0", "")]),
]


def write_mini_tape(directory: Path) -> Path:
    """Write the two files of the tape."""
    directory.mkdir(exist_ok=True)
    loans = [
        dict(
            zip(
                _LOAN_COLUMNS,
                [
                    *(loan.loan_id, "02/2019", "7200", "0.06", "03/2019", "02/2025", "120", loan.due_next),
                    *(str(loan.days_past_due), loan.interest_paid_to, loan.score, "0.04", loan.state),
                    *("08-31-2019", loan.opening_balance, "90", "120"),
                ],
                strict=True,
            )
        )
        for loan in LOANS
    ]
    months = [
        dict(
            zip(
                _MONTH_COLUMNS,
                [
                    loan.loan_id,
                    str(index),
                    month_end(add_months(date(2019, 8, 1), index)).isoformat(),
                    *values,
                ],
                strict=True,
            )
        )
        for loan in LOANS
        for index, values in enumerate([(loan.opening_balance, "90", "120", ""), *loan.months])
    ]
    _write(directory / LOANS_FILE, loans)
    _write(directory / MONTHS_FILE, months)
    return directory


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with gzip.open(path, "wt", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

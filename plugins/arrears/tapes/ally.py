"""Ally Auto Receivables Trust 2019-3: a real loan tape, turned into the source contract.

The tape gives, for 2,895 loans, the level instalment, rate and term, the position of 31 August 2019 with its days past
due, and each later month's payment and balance: rows of the ABS-EE tape in two files, of which the second has no
status. How they become loans is `derivation`'s business, for all tapes alike. What is peculiar to this one: its files,
and that its borrowers are invented, so that the demo has somebody to contact; `core_banking.data_origin` and
`docs/source.md` say so column by column.
"""

import tempfile
from datetime import date
from pathlib import Path

from psycopg2.extensions import connection as Connection  # noqa: N812

from arrears.errors import SourceFileError
from arrears.settings import get_settings
from arrears.simulator.book import Book, Borrower
from arrears.simulator.calibration import Rates, transition_rates_of
from arrears.simulator.hard_cases import add_hard_cases
from arrears.simulator.places import US_STATES
from arrears.simulator.staff import add_collectors
from arrears.source.files import Progress
from arrears.source.load import LoadReport, load_directory
from arrears.source.writer import ContractWriter
from arrears.tapes.abs_ee import TapeSummary, opened_tape, tape_loans
from arrears.tapes.ally_origins import ORIGINS
from arrears.tapes.booking import write_loan
from arrears.tapes.loan import TapeLoan

CUT_OFF = date(2019, 8, 31)
"""The day whose position is published, days past due included: month 0."""
LAST_DAY = date(2023, 6, 30)
LOANS_FILE = "ally_aart2895_2019_loans.csv.gz"
MONTHS_FILE = "ally_aart2895_2019_monthly.csv.gz"
_HIRED_ON = date(2019, 3, 1)


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
    with ContractWriter(out) as writer:
        book = Book(writer, get_settings().bank_tz)
        for loan in read_tape(directory):
            _write_borrower(book, loan)
            write_loan(book, loan, _customer_id(loan))
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


def read_tape(directory: Path) -> list[TapeLoan]:
    """The loans of the tape's two files, in the order of their ids.

    Raises:
        SourceFileError: a file or a column is missing, or a value cannot be read.
    """
    paths = [directory / LOANS_FILE, directory / MONTHS_FILE]
    if missing := [path for path in paths if not path.is_file()]:
        raise SourceFileError(
            [f"{path} is missing: the Ally tape is {LOANS_FILE} and {MONTHS_FILE}" for path in missing]
        )
    with opened_tape(paths) as store:
        return list(tape_loans(store, TapeSummary()))


def _write_borrower(book: Book, loan: TapeLoan) -> None:
    income = loan.payment_to_income
    book.customer(
        Borrower(
            customer_id=_customer_id(loan),
            place=US_STATES[loan.state],
            since=loan.originated_on,
            monthly_income=f"{loan.instalment / income / 100:.2f}" if income else None,
            credit_score=loan.credit_score,
        )
    )


def _customer_id(loan: TapeLoan) -> str:
    return f"C{loan.loan_id}"

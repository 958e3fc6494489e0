"""Sorts the rows of a tape by loan and period on disk, so that neither files nor pools need fit into memory."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pandas as pd

from arrears.errors import SourceFileError
from arrears.tapes.abs_ee_columns import COLUMNS

_NAMES = [column.name for column in COLUMNS]
TapeRow: Any = NamedTuple("TapeRow", [(name, Any) for name in _NAMES])  # type: ignore[misc]
"""One row of the tape: values as `abs_ee_files` gives them, dates as ISO text."""


@dataclass
class RowCounts:
    """What came in."""

    rows: int = 0
    repeated: int = 0
    """Rows that were there already to the letter."""
    refiled: int = 0
    """Rows that a later one of the same loan and period replaced."""


class TapeStore(AbstractContextManager["TapeStore"]):
    """Rows of a tape in a scratch database inside a directory that the caller removes."""

    def __init__(self, directory: Path) -> None:
        self.counts = RowCounts()
        self._connection = sqlite3.connect(directory / "tape.sqlite", isolation_level=None)
        # Scratch: nobody reads it after a crash.
        self._connection.executescript("pragma journal_mode = off; pragma synchronous = off; pragma temp_store = file;")
        columns = ", ".join(f'"{name}"' for name in _NAMES)
        self._connection.execute(f"create table rows (number integer primary key, {columns})")
        self._insert = f"insert into rows ({columns}) values ({', '.join('?' * len(_NAMES))})"  # noqa: S608

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def add(self, frame: pd.DataFrame) -> None:
        """Keep rows; a later one of the same loan and period replaces an earlier one."""
        self._connection.execute("begin")
        self._connection.executemany(self._insert, zip(*(frame[name].to_list() for name in _NAMES), strict=True))
        self._connection.execute("commit")
        self.counts.rows += len(frame)

    def sort(self) -> None:
        """Make ready for reading by loan."""
        self._connection.execute('create index by_loan on rows ("assetNumber", "reportingPeriodEndingDate", number)')

    def originators(self) -> set[str]:
        """All originators of the tape."""
        return {name or "" for (name,) in self._connection.execute('select distinct "originatorName" from rows')}

    def billing_originators(self) -> set[str]:
        """Those that ever state a next amount due above 0: others leave the column at 0, which then means nothing."""
        rows = self._connection.execute(
            'select distinct "originatorName" from rows where "nextReportingPeriodPaymentAmountDue" > 0'
        )
        return {name or "" for (name,) in rows}

    def loans(self) -> Iterator[tuple[str, list[Any]]]:
        """The rows of each loan in the order of its periods, one a period; loans in the order of their numbers.

        Raises:
            SourceFileError: an asset number stands for two loans.
        """
        self.counts.repeated = self.counts.refiled = 0
        columns = ", ".join(f'"{name}"' for name in _NAMES)
        rows = self._connection.execute(
            f'select {columns} from rows order by "assetNumber", "reportingPeriodEndingDate", number'  # noqa: S608
        )
        for loan_id, group in groupby(map(TapeRow._make, rows), attrgetter("assetNumber")):
            of_loan = list(group)
            _require_one_loan(loan_id, of_loan)
            yield loan_id, list(self._newest(of_loan))

    def _newest(self, rows: Iterable[Any]) -> Iterator[Any]:
        for _, group in groupby(rows, attrgetter("reportingPeriodEndingDate")):
            kept, *later = group
            for row in later:
                if row == kept:
                    self.counts.repeated += 1
                elif row.originalLoanAmount is None:
                    # A file of monthly amounts alone has no terms: it adds to the row that has them.
                    kept = TapeRow._make(old if new is None else new for old, new in zip(kept, row, strict=True))
                else:
                    self.counts.refiled += 1
                    kept = row
            yield kept


def _require_one_loan(loan_id: str, rows: Iterable[Any]) -> None:
    """Two issuers may have numbered alike: a later filing can put a loan's terms right, but not all of them."""
    terms = [row for row in rows if row.originalLoanAmount is not None]
    for row in terms[1:]:
        if (
            row.originalLoanAmount != terms[0].originalLoanAmount
            and row.originationDate != terms[0].originationDate
            and (row.originatorName is None or row.originatorName != terms[0].originatorName)
        ):
            raise SourceFileError(
                [
                    f"asset number {loan_id} stands for two loans, {_described(terms[0])} and {_described(row)}:"
                    " load tapes that share asset numbers into sources of their own"
                ]
            )


def _described(row: Any) -> str:
    originator = row.originatorName or "an unnamed originator"
    return f"{row.originalLoanAmount / 100:.2f} of {originator} on {row.originationDate}"

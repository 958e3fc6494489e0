"""Write rows as files of the source contract."""

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from arrears.source.contract import BY_NAME, TABLES, Table

Value = str | int | bool | Decimal | date | datetime | time | None


class ContractWriter:
    """Writes rows as files of the contract, one `<table>.csv` a table, all columns; use it as a context manager.

    The same rows in the same order give the same bytes. A table without a row gets no file, except the required ones.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.row_counts: dict[str, int] = {}
        self._stack = ExitStack()
        self._writers: dict[str, Any] = {}
        self._names: dict[str, dict[str, None]] = {}

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        for table in TABLES:
            if table.required:
                self._open(table)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, table: str, **values: Value) -> None:
        """Write one row; columns that are not given are null.

        Raises:
            KeyError: no such table, or no such column in it.
        """
        writer = self._writers.get(table) or self._open(BY_NAME[table])
        names = self._names[table]
        if unknown := values.keys() - names.keys():
            raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
        writer.writerow([value if type(value := values.get(name)) is str else to_text(value) for name in names])
        self.row_counts[table] += 1

    def add_rows(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Write many rows of the same columns, several times faster than one by one; other columns are null.

        Values are written as `csv` writes them: booleans and instants must be text already.

        Raises:
            KeyError: no such table, or no such column in it.
        """
        writer = self._writers.get(table) or self._open(BY_NAME[table])
        names = self._names[table]
        if unknown := set(columns) - names.keys():
            raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
        ordered = list(rows)
        if list(names) != list(columns):
            places = [columns.index(name) if name in columns else None for name in names]
            ordered = [[None if place is None else row[place] for place in places] for row in ordered]
        writer.writerows(ordered)
        self.row_counts[table] += len(ordered)

    def _open(self, table: Table) -> Any:
        path = self.directory / f"{table.name}.csv"
        file = self._stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        writer = self._writers[table.name] = csv.writer(file, lineterminator="\n")
        writer.writerow(table.column_names)
        self._names[table.name] = dict.fromkeys(table.column_names)
        self.row_counts[table.name] = 0
        return writer


def to_text(value: Value) -> str | int | Decimal | date | time | None:
    """A value as the contract's CSV has it; what `csv` writes that way by itself comes back as it is."""
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is datetime:
        return value.isoformat()  # type: ignore[union-attr]
    return value

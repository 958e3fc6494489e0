"""The files of a policy directory as rows, and what is wrong with each of them by itself."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from arrears.errors import ConfigurationError
from arrears.policy.schema import Table, reference_rows, tables


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a pack."""

    file: str
    line: int | None
    """As an editor counts them: the header is line 1. None: the file as a whole."""
    column: str | None
    expected: str
    found: str

    def __str__(self) -> str:
        place = "".join(
            (
                self.file,
                f", line {self.line}" if self.line else "",
                f", column {self.column}" if self.column else "",
            )
        )
        return f"{place}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Row:
    """A line whose values were all understood."""

    table: str
    line: int
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    @property
    def valid_from(self) -> date:
        return self.values["valid_from"]  # type: ignore[no-any-return]

    @property
    def valid_to(self) -> date:
        """Day after the last; the end of time where it is open."""
        return self.values["valid_to"] or date.max

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day < self.valid_to

    def wrong(self, column: str | None, expected: str, found: str) -> Finding:
        """A finding about this row."""
        return Finding(f"{self.table}.csv", self.line, column, expected, found)


@dataclass
class Pack:
    """All rows of a directory that could be read, and what could not."""

    directory: Path
    rows: dict[str, list[Row]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def of(self, table: str) -> list[Row]:
        return self.rows.get(table, [])

    def in_force(self, table: str, day: date) -> list[Row]:
        return [row for row in self.of(table) if row.holds_on(day)]


def read_pack(directory: Path) -> Pack:
    """Read every table of a policy directory.

    Raises:
        ConfigurationError: there is no such directory.
    """
    if not directory.is_dir():
        raise ConfigurationError(f"policy directory {directory}: expected a directory of seed files, found none")
    pack = Pack(directory)
    known = tables()
    for path in sorted(directory.glob("*.csv")):
        if path.stem not in known:
            pack.findings.append(
                Finding(path.name, None, None, "one of " + ", ".join(f"{name}.csv" for name in known), path.name)
            )
    for name, table in known.items():
        path = directory / f"{name}.csv"
        if path.is_file():
            pack.rows[name] = list(_read(path, table, pack.findings))
        else:
            pack.findings.append(Finding(path.name, None, None, "the file", "none"))
    for name, table in known.items():
        pack.findings += _unknown_values(table, pack.of(name), pack)
    return pack


def _read(path: Path, table: Table, findings: list[Finding]) -> Iterator[Row]:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        findings.append(Finding(path.name, None, None, "UTF-8", f"another encoding at byte {error.start}"))
        return
    reader = csv.reader(text.splitlines(keepends=True))
    header = next(reader, [])
    wrong = list(_header_findings(path.name, table, header))
    findings += wrong
    if wrong:
        return
    for cells in reader:
        if len(cells) != len(header):
            expected = f"{len(header)} cells"
            findings.append(Finding(path.name, reader.line_num, None, expected, str(len(cells))))
            continue
        row = _validated(path.name, table, reader.line_num, dict(zip(header, cells, strict=True)), findings)
        if row is not None:
            yield row


def _header_findings(file: str, table: Table, header: Sequence[str]) -> Iterator[Finding]:
    for column in table.columns:
        if column not in header:
            yield Finding(file, 1, column, "the column", "none")
    for column in dict.fromkeys(header):
        if column not in table.columns:
            yield Finding(file, 1, column, "one of " + ", ".join(table.columns), column or "a column without a name")
        elif header.count(column) > 1:
            yield Finding(file, 1, column, "the column once", f"{header.count(column)} times")


def _validated(file: str, table: Table, line: int, cells: dict[str, str], findings: list[Finding]) -> Row | None:
    try:
        return Row(table.name, line, table.row.model_validate(cells).model_dump())
    except ValidationError as error:
        for problem in error.errors():
            column = str(problem["loc"][0])
            findings.append(Finding(file, line, column, problem["msg"], cells[column] or "nothing"))
        return None


def _unknown_values(table: Table, rows: Sequence[Row], pack: Pack) -> Iterator[Finding]:
    for column, reference in table.references.items():
        if reference.seed in tables():
            known = {str(row[reference.column]) for row in pack.of(reference.seed)}
        else:
            known = {row[reference.column] for row in reference_rows(reference.seed)}
        for row in rows:
            if row[column] is not None and row[column] not in known:
                yield row.wrong(
                    column, f"a {reference.column} of {reference.seed}: {', '.join(sorted(known))}", row[column]
                )

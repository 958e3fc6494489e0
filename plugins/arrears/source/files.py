"""Files of the source contract: find them in a directory and check every value.

A file is read twice: checked here first, to the last line, and then streamed unchanged into PostgreSQL. What this
module lets pass, `COPY` takes.
"""

import csv
import difflib
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from arrears.errors import SourceFileError
from arrears.source.contract import BY_NAME, TABLES, Column, Table, Type

PROBLEMS_SHOWN = 20
"""Problems listed for one file; the rest are only counted."""
_BATCH_ROWS = 20_000
_BOM = "\ufeff"
_FIELD = r'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_RECORD = re.compile(rf"{_FIELD}(?:,{_FIELD})*+(?P<end>\r?\n)?")
_SUFFIXES = (".csv", ".csv.gz")

Progress = Callable[[str, int], None]
"""Called with a table's name and the number of its rows read since the last call."""


@dataclass(frozen=True)
class SourceFile:
    """A file that passed `check_file`."""

    path: Path
    table: Table
    columns: tuple[str, ...]
    row_count: int

    def open(self) -> IO[bytes]:
        return _open(self.path)


@dataclass
class _Problems:
    """What is wrong with one file: the first few in words, all of them counted."""

    file: str
    shown: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, text: str) -> None:
        self.count += 1
        if len(self.shown) < PROBLEMS_SHOWN:
            self.shown.append(f"{self.file}, {text}")

    def lines(self) -> list[str]:
        more = self.count - len(self.shown)
        return [*self.shown, *([f"{self.file}: {more} more problems, {self.count} in all"] if more else [])]


# Finding ---------------------------------------------------------------------------------------------------------
def find_files(directory: Path) -> dict[str, Path]:
    """The contract files in a directory, by table, in the contract's order. Hidden files and `*.md` are left alone.

    Raises:
        SourceFileError: a file that no table has the name of, two files for one table, a required table without one.
    """
    if not directory.is_dir():
        raise SourceFileError([f"{directory} is not a directory: give the directory that holds the <table>.csv files"])
    found: dict[str, Path] = {}
    problems: list[str] = []
    for path in sorted(directory.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() == ".md":
            continue
        table = _table_name(path)
        if table not in BY_NAME or not path.is_file():
            problems.append(f"{path.name}: not a file of the source contract; {_nearest_file(path)}")
        elif table in found:
            problems.append(f"{path.name}: {found[table].name} is there too; keep one file for a table")
        else:
            found[table] = path
    problems += [
        f"{table.name}.csv is missing: a directory must hold "
        + ", ".join(f"{required.name}.csv" for required in TABLES if required.required)
        for table in TABLES
        if table.required and table.name not in found
    ]
    if problems:
        raise SourceFileError(problems)
    return {table.name: found[table.name] for table in TABLES if table.name in found}


def _table_name(path: Path) -> str:
    suffix = next((suffix for suffix in _SUFFIXES[::-1] if path.name.endswith(suffix)), None)
    return path.name.removesuffix(suffix) if suffix else ""


def _nearest_file(path: Path) -> str:
    return f"the nearest known name is {_nearest(path.name.split('.')[0], list(BY_NAME))}.csv (or .csv.gz)"


def _nearest(name: str, known: list[str]) -> str:
    return difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]


# Checking --------------------------------------------------------------------------------------------------------
def check_files(paths: Mapping[str, Path], progress: Progress | None = None) -> list[SourceFile]:
    """Check files to the last value, in bounded memory.

    Raises:
        SourceFileError: with the problems of all files, the first 20 of each in words.
    """
    files: list[SourceFile] = []
    problems: list[str] = []
    for name, path in paths.items():
        found = _Problems(path.name)
        checked = _check_file(path, BY_NAME[name], found, progress)
        if checked is not None:
            files.append(checked)
        problems += found.lines()
    if problems:
        raise SourceFileError(problems)
    return files


def _check_file(path: Path, table: Table, problems: _Problems, progress: Progress | None) -> SourceFile | None:
    """Check one file; None when nothing below its header could be read."""
    row_count = 0
    try:
        with _open(path) as file:
            lines = _Lines(file)
            reader = csv.reader(lines, strict=True)
            header = next(reader, None)
            columns = _check_header(header, table, problems)
            _check_quoting(lines.take(), 1, lines, problems)
            if columns is None:
                return None
            for count in _check_batches(reader, lines, columns, problems):
                row_count += count
                if progress:
                    progress(table.name, count)
    except csv.Error as error:
        problems.add(f"line 1: not valid CSV (RFC 4180): {_csv_reason(error)}")
    except _LineError as error:
        problems.add(str(error))
    except (OSError, EOFError, zlib.error) as error:
        problems.add(f"cannot be read: {error}")
    return SourceFile(path, table, tuple(header or ()), row_count)


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


class _LineError(Exception):
    """A line that is not text at all, with its number."""


class _Lines:
    """The file's physical lines as text, keeping those not yet taken, so that a batch can be looked at again."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = iter(file)
        self._kept: list[str] = []
        self._number = 0
        self.line_end: str | None = None
        """The line ending that this file uses, as its first record had it."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = next(self._file)
        self._number += 1
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _LineError(f"line {self._number}: not UTF-8 (byte 0x{raw[error.start]:02x})") from None
        if "\0" in line:
            raise _LineError(f"line {self._number}: holds a NUL character, which is not text")
        if self._number == 1:
            line = line.removeprefix(_BOM)
        self._kept.append(line)
        return line

    def take(self) -> list[str]:
        kept, self._kept = self._kept, []
        return kept


def _csv_reason(error: csv.Error) -> str:
    reasons = {
        "unexpected end of data": "a quoted field is not closed before the end of the file",
        "field larger": "a field is longer than 131,072 characters; is a closing quote missing?",
        "expected after": "text follows a closing quote",
        "new-line character": "a carriage return stands inside an unquoted field",
    }
    return next((words for text, words in reasons.items() if text in str(error)), str(error))


def _check_header(header: list[str] | None, table: Table, problems: _Problems) -> list[Column] | None:
    if not header:
        problems.add("line 1: there is no header row; expected column names such as " + ",".join(_required(table)))
        return None
    known = list(table.column_names)
    if not set(header) & set(known):
        # Without its header a file begins with data: its first row is not repeated here, it may be personal.
        problems.add(f"line 1: none of the {len(header)} names is a column of {table.name}; is the header row missing?")
        return None
    for name in header:
        if name not in known:
            problems.add(f"line 1, column {name!r}: unknown; the nearest known name is {_nearest(name, known)!r}")
    for name in sorted({name for name in header if header.count(name) > 1}):
        problems.add(f"line 1, column {name!r}: given {header.count(name)} times")
    for name in _required(table):
        if name not in header:
            problems.add(f"line 1: the required column {name!r} is missing")
    return [table.column(name) if name in known else Column(name, Type.TEXT) for name in header]


def _required(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.required]


def _check_batches(reader: Any, lines: _Lines, columns: list[Column], problems: _Problems) -> Iterator[int]:
    """Check all rows, a batch at a time; yields the number of rows of each batch."""
    failure: csv.Error | _LineError | None = None
    while failure is None:
        first_line = reader.line_num + 1
        rows: list[list[str]] = []
        try:
            rows.extend(islice(reader, _BATCH_ROWS))
        except (csv.Error, _LineError) as error:
            failure = error  # The rows before it are checked all the same.
        text = lines.take()
        if not rows and failure is None:
            return
        _check_rows(rows, text, first_line, columns, problems)
        if isinstance(failure, csv.Error):
            line = _first_bad_line(text, first_line)
            raise _LineError(f"line {line}: not valid CSV (RFC 4180): {_csv_reason(failure)}")
        _check_quoting(text, first_line, lines, problems)
        yield len(rows)
    raise failure


def _first_bad_line(text: list[str], first_line: int) -> int:
    """Where the record begins that `csv` cannot read."""
    reader = csv.reader(text, strict=True)
    line = first_line
    with suppress(csv.Error):
        for _ in reader:
            line = first_line + reader.line_num
    return line


def _check_quoting(text: list[str], first_line: int, lines: _Lines, problems: _Problems) -> None:
    """What `csv` lets pass and RFC 4180 does not: a quote inside an unquoted field, a mixture of line endings."""
    if not text:
        return
    if lines.line_end is None:
        lines.line_end = "\r\n" if text[-1].endswith("\r\n") else "\n"
    if not _needs_a_closer_look(text, lines.line_end):
        return
    for line, record in _records(text, first_line):
        match = _RECORD.fullmatch(record)
        if match is None:
            problems.add(f"line {line}: not valid CSV (RFC 4180): a quote stands inside an unquoted field")
        elif (match["end"] or lines.line_end) != lines.line_end:
            problems.add(f"line {line}: ends differently from the lines before it; use one line ending throughout")


def _needs_a_closer_look(text: list[str], line_end: str) -> bool:
    joined = "".join(text)
    carriage_returns = joined.count("\r")
    expected = joined.count("\n") if line_end == "\r\n" else 0
    return '"' in joined or carriage_returns != expected


def _records(text: list[str], first_line: int) -> Iterator[tuple[int, str]]:
    """Each record's first line number and its text as it stands in the file."""
    reader = csv.reader(text, strict=True)
    start = 0
    for _ in reader:
        yield first_line + start, "".join(text[start : reader.line_num])
        start = reader.line_num


def _check_rows(
    rows: list[list[str]], text: list[str], first_line: int, columns: list[Column], problems: _Problems
) -> None:
    width = len(columns)
    ragged = [number for number, row in enumerate(rows) if len(row) != width]
    whole = [row for row in rows if len(row) == width] if ragged else rows
    bad = {
        (index, value)
        for index, values in enumerate(zip(*whole, strict=True))
        if (is_valid := _VALID.get(columns[index].type))
        for value in set(values)
        if value and not is_valid(value)
    }
    if not ragged and not bad:
        return
    bad_columns = sorted({index for index, _ in bad})
    for row, (line, _) in zip(rows, _records(text, first_line), strict=False):
        if len(row) != width:
            problems.add(f"line {line}: {len(row)} fields, the header has {width}")
            continue
        for index in bad_columns:
            if (index, row[index]) in bad:
                problems.add(f"line {line}, " + _describe(columns[index], row[index]))


def _describe(column: Column, value: str) -> str:
    shown = f"a value of {len(value)} characters (personal, not shown)" if column.personal else repr(value[:40])
    return f"column {column.name!r}: expected {_EXPECTED[column.type]}, found {shown}"


# Values ----------------------------------------------------------------------------------------------------------
_MONEY = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,2})?")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_INTEGER = re.compile(r"-?[0-9]{1,10}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-5])(:?[0-9]{2})?)"
)
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")


def _is_date(value: str) -> bool:
    return _DATE.fullmatch(value) is not None and _parses(date.fromisoformat, value)


def _is_instant(value: str) -> bool:
    return _INSTANT.fullmatch(value) is not None and _parses(datetime.fromisoformat, value)


def _is_time(value: str) -> bool:
    return _TIME.fullmatch(value) is not None and _parses(time.fromisoformat, value)


def _is_integer(value: str) -> bool:
    return _INTEGER.fullmatch(value) is not None and -(2**31) <= int(value) < 2**31


def _parses(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


_VALID: dict[Type, Callable[[str], object]] = {
    Type.DATE: _is_date,
    Type.INSTANT: _is_instant,
    Type.TIME: _is_time,
    Type.INTEGER: _is_integer,
    Type.MONEY: _MONEY.fullmatch,
    Type.NUMBER: _NUMBER.fullmatch,
    Type.BOOLEAN: frozenset({"true", "false"}).__contains__,
}
"""Whether a non-empty text is a value of the type; text needs no check."""

_EXPECTED: dict[Type, str] = {
    Type.TEXT: "text",
    Type.DATE: "a date YYYY-MM-DD",
    Type.INSTANT: "an ISO 8601 timestamp with offset, as 2026-01-31T18:00:00+08:00",
    Type.TIME: "a time HH:MM or HH:MM:SS",
    Type.INTEGER: "a whole number of at most 32 bits",
    Type.MONEY: "money as decimal text with at most 2 decimals, as 1234.50",
    Type.NUMBER: "a decimal number, as 0.0725",
    Type.BOOLEAN: "true or false",
}

"""Reads files of the loan-level auto tape, CSV or XML, as streams of checked rows.

CSV (also gzipped) has the schema's element names as columns. XML is exhibit 102 as filed: an `assetData` of flat
`assets` in the regulator's namespace. Neither is held in memory whole, and a document type in XML is refused: with it
would come entities that grow or reach out.
"""

import gzip
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any, NoReturn, cast
from xml.parsers import expat

import pandas as pd

from arrears.domain.amortisation import month_end
from arrears.errors import SourceFileError
from arrears.tapes.abs_ee_columns import BY_NAME, Kind, Need, TapeColumn, missing_columns, recognise

NAMESPACE = "http://www.sec.gov/edgar/document/absee/autoloan/assetdata"
PROBLEMS_SHOWN = 20
CHUNK_ROWS = 20_000
_SUFFIXES = (".csv", ".csv.gz", ".xml", ".xml.gz")
_EMPTY = ("", "-", "NA", "N/A", "null")
"""How files write that there is no value."""
_DATE_FORMS = re.compile(
    r"(?P<m1>\d\d?)[-/](?P<d1>\d\d?)[-/](?P<y1>\d{4})"
    r"|(?P<m2>\d\d?)[-/](?P<y2>\d{4})"
    r"|(?P<y3>\d{4})-(?P<m3>\d\d?)(?:-(?P<d3>\d\d?)(?:[T ].*)?)?"
)
"""A date, or a month."""
_NUMBER_FORM = re.compile(r"0*(\d*)(?:\.0+)?")
_READ_BYTES = 1 << 20


@dataclass
class _File:
    """One file on its way in, and what is wrong with it: the first problems in words, all of them counted."""

    path: Path
    line_name: str
    columns: dict[str, str] = field(default_factory=dict)
    """The file's names of the columns that are read, by official name."""
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0

    def add(self, line: int, column: TapeColumn, value: str, expected: str) -> None:
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_SHOWN:
            name = self.columns.get(column.name, column.name)
            place = f"{self.path.name}, {self.line_name} {line}, column {name}"
            self.problems.append(f"{place}: expected {expected}, found {value!r}")

    def refuse(self, *texts: str) -> NoReturn:
        raise SourceFileError([f"{self.path.name}: {text}" for text in texts])

    def require_columns(self, names: Sequence[str]) -> None:
        """Note what the file's columns are called; refuse it when one is missing."""
        recognised = recognise(names)
        self.columns = {official: name for name, official in recognised.items() if official in BY_NAME}
        if missing := missing_columns(self.columns, [name for name in names if name not in recognised]):
            self.refuse(*missing)

    def raise_problems(self) -> None:
        if self.problem_count:
            more = self.problem_count - len(self.problems)
            rest = [f"{self.path.name}: {more} more problems, {self.problem_count} in all"] if more else []
            raise SourceFileError([*self.problems, *rest])


def find_tape_files(paths: Sequence[Path]) -> list[Path]:
    """The files of a tape in the order in which they count: as given, those of a directory by name.

    Raises:
        SourceFileError: a path is not there, is no file of a tape, or a directory holds none.
    """
    found: list[Path] = []
    problems: list[str] = []
    for path in paths:
        inside = sorted(each for each in path.iterdir() if _is_tape_file(each)) if path.is_dir() else [path]
        if not inside or not _is_tape_file(inside[0]):
            expected = ", ".join(f"*{suffix}" for suffix in _SUFFIXES)
            problems.append(f"{path}: expected a file {expected}, or a directory of them")
        elif not inside[0].is_file():
            problems.append(f"{path}: there is no such file")
        else:
            found += inside
    if problems:
        raise SourceFileError(problems)
    return found


def _is_tape_file(path: Path) -> bool:
    return path.name.lower().endswith(_SUFFIXES) and not path.name.startswith(".")


def read_tape_file(path: Path) -> Iterator[pd.DataFrame]:
    """Checked rows in the file's order: a column for each of `COLUMNS`, values as the kind says, None for no value.

    Dates are ISO text, money is integer cents (what is finer is rounded), rates are decimal text.

    Raises:
        SourceFileError: the file is not of the form, a column is missing, or a value is not what it must be.
    """
    is_xml = path.name.lower().removesuffix(".gz").endswith(".xml")
    file = _File(path, "record" if is_xml else "line")
    try:
        for first_line, frame in _xml_chunks(file) if is_xml else _csv_chunks(file):
            yield _checked(file, frame, first_line)
    except (OSError, EOFError, UnicodeDecodeError, pd.errors.ParserError) as error:
        file.refuse(f"cannot be read: {error}")
    file.raise_problems()


# CSV -------------------------------------------------------------------------------------------------------------
def _csv_chunks(file: _File) -> Iterator[tuple[int, pd.DataFrame]]:
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig"}
    try:
        names = list(pd.read_csv(file.path, nrows=0, **options).columns)
    except pd.errors.EmptyDataError:
        file.refuse("is empty: expected a header row")
    file.require_columns(names)
    wanted = set(file.columns.values())
    official = {name: column for column, name in file.columns.items()}
    chunks = pd.read_csv(file.path, usecols=lambda name: name in wanted, chunksize=CHUNK_ROWS, **options)
    line = 2
    for chunk in chunks:
        yield line, chunk.rename(columns=official).fillna("")
        line += len(chunk)


# XML -------------------------------------------------------------------------------------------------------------
class _Records:
    """Gathers the records of an exhibit from the parser's events."""

    def __init__(self, file: _File) -> None:
        self.file = file
        self.rows: list[dict[str, str]] = []
        self.seen: dict[str, None] = {}
        self._depth = 0
        self._row: dict[str, str] = {}
        self._text: list[str] | None = None
        self._is_read: dict[str, bool] = {}
        """Elements by name: half of what is filed is left alone."""

    def parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        return parser

    def _doctype(self, *_: object) -> None:
        self.file.refuse("has a document type (DOCTYPE), which exhibit 102 does not have: refused for safety")

    def _start(self, tag: str, _: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and tag != f"{NAMESPACE} assetData":
            self.file.refuse(f"expected the root element assetData in namespace {NAMESPACE}, found {tag!r}")
        if self._depth == 3:
            is_read = self._is_read.get(tag)
            if is_read is None:
                is_read = self._meet(tag)
            if is_read:
                self._text = []

    def _meet(self, tag: str) -> bool:
        """Note an element that comes for the first time; returns whether it is read."""
        name = tag.rpartition(" ")[2]
        self.seen[name] = None
        self._is_read[tag] = recognise([name]).get(name) in BY_NAME
        return self._is_read[tag]

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        if self._depth == 3 and self._text is not None:
            # The schema lets some elements repeat (modification codes, subventions): the first one counts.
            self._row.setdefault(tag.rpartition(" ")[2], "".join(self._text))
            self._text = None
        elif self._depth == 2:
            self.rows.append(self._row)
            self._row = {}
        self._depth -= 1


def _xml_chunks(file: _File) -> Iterator[tuple[int, pd.DataFrame]]:
    records = _Records(file)
    record = 1
    for is_last in _feed(file, records):
        if len(records.rows) >= CHUNK_ROWS or (is_last and records.rows):
            rows, records.rows = records.rows, []
            yield record, _xml_frame(file, rows, records.seen)
            record += len(rows)
    # An element that no record has is a column that is missing; one that some records lack is an empty value.
    file.require_columns(list(records.seen))


def _feed(file: _File, records: _Records) -> Iterator[bool]:
    """Push the file through the parser; yields after each piece whether it was the last."""
    parser = records.parser()
    with _open(file.path) as stream:
        try:
            while piece := stream.read(_READ_BYTES):
                parser.Parse(piece, False)
                yield False
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            file.refuse(f"is not well-formed XML: {error}")
    yield True


def _xml_frame(file: _File, rows: list[dict[str, str]], seen: dict[str, None]) -> pd.DataFrame:
    official = {name: column for name, column in recognise(seen).items() if column in BY_NAME}
    file.columns = {column: name for name, column in official.items()}
    return pd.DataFrame(rows, columns=list(official), dtype=object).rename(columns=official).fillna("")


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb"))


# Values ----------------------------------------------------------------------------------------------------------
def _checked(file: _File, frame: pd.DataFrame, first_line: int) -> pd.DataFrame:
    lines = range(first_line, first_line + len(frame))
    columns = {
        name: _values(file, column, frame[name].to_list(), lines) if name in frame else [None] * len(frame)
        for name, column in BY_NAME.items()
    }
    return pd.DataFrame(columns, dtype=object)


def _values(file: _File, column: TapeColumn, texts: list[str], lines: range) -> list[object]:
    """Convert a column, each distinct text once: a tape repeats itself."""
    convert = _CONVERTERS[column.kind]
    known: dict[str, object] = {}
    bad: set[str] = set()
    for text in set(texts):
        value = text.strip()
        try:
            known[text] = None if value in _EMPTY else convert(value)
        except (ValueError, InvalidOperation, OverflowError):
            bad.add(text)
    if column.need is Need.EVERY_ROW:
        bad |= {text for text in known if known[text] is None}
    if bad:
        for line, text in zip(lines, texts, strict=True):
            if text in bad:
                file.add(line, column, text, column.kind.value)
    return [known.get(text) for text in texts]


def _date(text: str) -> str:
    """A date; of a month the first day."""
    parts = _date_parts(text)
    return date(parts["y"], parts["m"], parts.get("d", 1)).isoformat()


def _last_day(text: str) -> str:
    """A date; of a month the last day."""
    parts = _date_parts(text)
    first = date(parts["y"], parts["m"], parts.get("d", 1))
    return (first if "d" in parts else month_end(first)).isoformat()


def _date_parts(text: str) -> dict[str, int]:
    found = _DATE_FORMS.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return {name[0]: int(number) for name, number in found.groupdict().items() if number is not None}


def _code(text: str) -> str | None:
    """A code as the schema has it: 4 of 4.0 and 04. There is no code 0: it stands for none."""
    found = _NUMBER_FORM.fullmatch(text)
    return (found[1] or None) if found else text


def _cents(text: str) -> int:
    # Amounts come with up to eight decimals; binary floats keep cents exact far beyond what a car costs.
    value = float(text)
    if not math.isfinite(value) or abs(value) >= 1e13:
        raise ValueError(text)
    return round(value * 100)


def _whole(text: str) -> int:
    value = float(text)
    if value != int(value):
        raise ValueError(text)
    return int(value)


def _rate(text: str) -> str:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(text)
    return str(value)


_CONVERTERS: dict[Kind, Callable[[str], object]] = {
    Kind.TEXT: str,
    Kind.CODE: _code,
    Kind.DATE: _date,
    Kind.LAST_DAY: _last_day,
    Kind.MONEY: _cents,
    Kind.RATE: _rate,
    Kind.WHOLE: _whole,
}

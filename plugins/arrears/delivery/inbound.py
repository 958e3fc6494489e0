"""Reading what a vendor sent, from its bytes alone: which kind of file it is, its header, its rows.

Nothing here knows the ledger: `arrears vendor check` uses it on a vendor's own machine, `ingest` before it asks the
warehouse. A file that cannot be read as a whole raises `FileRefused` with words that a vendor can act on; they hold
line numbers and column names, never values of a row.

What a file costs is bounded whatever is in it: rows are read one at a time, and the length of a row, the size of an
acknowledgement and the number of problems have limits.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from typing import Annotated, Literal, TextIO

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from arrears.domain.vendor_results import (
    QA_FIELDS,
    RESULT_FIELDS,
    Problem,
    Reason,
    Row,
    Terms,
    judge,
    judge_review,
    read_instant,
    read_row,
    read_text,
)
from arrears.domain.vendor_results import Field as Column
from arrears.errors import ArrearsError

Kind = Literal["ack", "results", "qa"]

LONGEST_ROW = 65_536
"""Characters of one row, line breaks included: four times what the longest allowed values add up to."""
LARGEST_ACK = 5_000_000
"""Bytes of an acknowledgement: a parsed JSON document takes many times its size."""
MOST_PROBLEMS = 100_000
"""A table with more is refused whole: it is another kind of file, or was written by a broken program."""
_TOLD = 20
"""So many problems of a file as a whole are told one by one."""

COLUMNS: dict[str, tuple[Column, ...]] = {"results": RESULT_FIELDS, "qa": QA_FIELDS}
_RESULTS_NAME = re.compile(r"(?P<batch_id>.+)\.results-\d+\.csv")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}", re.ASCII)
_CODE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_SIGNATURES = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "compressed (gzip)",
    b"BZh": "compressed (bzip2)",
    b"\xfd7zXZ": "compressed (xz)",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"%PDF": "a PDF",
    b"-----BEGIN PGP": "an OpenPGP message",
    b"<": "HTML or XML",
}
"""What files begin with that are something else than their name says. None of them is ever unpacked."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_BLANK_BEFORE_JSON = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*([\[{]?)")


class FileRefused(ArrearsError):  # noqa: N818 - a verdict on the vendor's file, not a fault of ours
    """The file is refused whole. Each problem is one sentence for the vendor."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


def _instant(text: object) -> datetime:
    """As in a table: one way to write an instant."""
    value, reason = read_instant(text) if isinstance(text, str) else (None, Reason.NOT_AN_INSTANT)
    if reason is not None or not isinstance(value, datetime):
        raise ValueError((reason or Reason.NOT_AN_INSTANT).value)
    return value


def _safe_text(text: str) -> str:
    if read_text(text)[1] is not None:
        raise ValueError(Reason.UNSAFE_TEXT.value)
    return text


_Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


class RejectedRow(BaseModel):
    """One row of a list that the vendor will not work."""

    model_config = ConfigDict(strict=True)

    contact_ref: str = Field(
        min_length=1, max_length=100, pattern=_CODE_PATTERN, description="The reference of the row in the list."
    )
    reason: Annotated[str, AfterValidator(_safe_text)] = Field(max_length=500, description="Why it is not worked.")


class Ack(BaseModel):
    """A vendor's acknowledgement: what it received, and which rows it will not work."""

    model_config = ConfigDict(title="Acknowledgement", strict=True)

    batch_id: str = Field(min_length=1, max_length=200, pattern=_CODE_PATTERN, description="As in the manifest.")
    received_at: Annotated[AwareDatetime, BeforeValidator(_instant)] = Field(
        description="When the vendor took the batch, with offset."
    )
    rows: _Count = Field(description="Rows that the vendor counted in the list.")
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the first file of the manifest, of the bytes as received."
    )
    accepted: _Count = Field(description="Rows that will be worked; 0 refuses the list as a whole.")
    rejected: list[RejectedRow] = Field(
        description="Rows that will not be worked, each once. Unless the list is refused, `accepted` and these add up"
        " to `rows`."
    )

    @model_validator(mode="after")
    def _adds_up(self) -> "Ack":
        is_refused_whole = self.accepted == 0 and not self.rejected
        if self.accepted + len(self.rejected) != self.rows and not is_refused_whole:
            raise ValueError(
                f"accepted ({self.accepted}) and rejected ({len(self.rejected)}) do not add up to rows ({self.rows})"
            )
        if len({row.contact_ref for row in self.rejected}) < len(self.rejected):
            raise ValueError("a contact_ref is rejected twice")
        return self


class SetAside(BaseModel):
    """One thing that is wrong with one row."""

    line: int = Field(description="The line on which the row begins; the header is line 1.")
    field: str = Field(description="The column; empty for the row as a whole.")
    code: str = Field(description="The reason's code.")
    problem: str = Field(description="The reason.")


class ReasonFile(BaseModel):
    """What was wrong with a file: lies beside it as `<name>.reason.json`."""

    model_config = ConfigDict(title="Reasons")

    file: str = Field(description="The file's name; another one where it may not be repeated.")
    sha256: str = Field(description="SHA-256 of the file; where it was not read, its size.")
    state: Literal["loaded", "refused", "seen_before"] = Field(
        description="`refused`: nothing was loaded. `loaded`: all rows but those set aside."
    )
    problems: list[str] | None = Field(default=None, description="Why it is refused, one sentence each.")
    rows_set_aside: list[SetAside] | None = Field(
        default=None, description="The first thousand problems of rows, by line."
    )
    what_to_do: str


Currencies = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as it is written."""

    line: int
    """The line on which it begins; the header is line 1."""
    fields: Sequence[str]

    @property
    def text(self) -> str:
        """The row as CSV, to be kept where it is set aside."""
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow(self.fields)
        return buffer.getvalue()[:4000]


@dataclass(frozen=True)
class Table:
    """The rows of a results or qa file, not yet read."""

    kind: Kind
    header: tuple[str, ...]
    content: bytes

    def rows(self) -> Iterator[RawRow]:
        """The rows as text, one after the other.

        Raises:
            FileRefused: the rest cannot be read: not UTF-8, or a quote that is never closed.
        """
        return islice(_records(self.content), 1, None)

    def values(self, raw: RawRow) -> tuple[Row, list[Problem]]:
        """The row's values as their types, and what is wrong with them, taken alone."""
        columns = COLUMNS[self.kind]
        if len(raw.fields) != len(self.header):
            return dict.fromkeys(column.name for column in columns), [Problem(Reason.FIELD_COUNT, "")]
        return read_row(dict(zip(self.header, raw.fields, strict=True)), columns)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row, its values, and what is wrong with it."""

    raw: RawRow
    row: Row
    form: list[Problem]
    """What is wrong with the row taken alone; only where that is nothing, it was held against its list."""
    answer: list[Problem]
    """What is wrong with it as an answer to its list."""
    is_of_list: bool

    @property
    def problems(self) -> list[Problem]:
        foreign = [] if self.is_of_list else [Problem(Reason.FOREIGN_REF, "contact_ref")]
        return foreign + self.form + self.answer


def judged(table: Table, terms: Terms, currencies: Currencies | None = None) -> Iterator[Verdict]:
    """The verdict on each row, in order.

    Args:
        currencies: The currency of each row of the list that a results file answers. Without them no row is foreign,
            and without a currency the row's own is taken as right.

    Raises:
        FileRefused: the file cannot be read to its end, or has too many problems.
    """
    told = 0
    for raw in table.rows():
        row, form = table.values(raw)
        ref = row.get("contact_ref")
        is_of_list = currencies is None or ref is None or ref in currencies
        answer = [] if form or not is_of_list else _answer(table, row, terms, currencies)
        told += len(form) + len(answer) + (not is_of_list)
        if told > MOST_PROBLEMS:
            raise FileRefused(f"line {raw.line}: more than {MOST_PROBLEMS:,} problems up to here: nothing was loaded")
        yield Verdict(raw, row, form, answer, is_of_list)


def _answer(table: Table, row: Row, terms: Terms, currencies: Currencies | None) -> list[Problem]:
    if table.kind == "qa":
        return judge_review(row, terms)
    of_list = currencies[str(row["contact_ref"])] if currencies is not None else None
    return judge(row, terms, of_list or str(row["currency"] or ""))


def is_plain_name(file_name: str) -> bool:
    """Whether a name may be logged and kept: any other could hold a person's, or a path."""
    return _PLAIN_NAME.fullmatch(file_name) is not None


def require_plain_name(file_name: str) -> None:
    """Refuse a file for its name."""
    if not is_plain_name(file_name):
        raise FileRefused("the file's name may hold letters, digits and `._-` only, at most 150 of them")


def batch_in_name(file_name: str) -> str | None:
    """The batch that a results file names, or None where the vendor chose another name."""
    match = _RESULTS_NAME.fullmatch(file_name)
    return match["batch_id"] if match else None


def count_lines(content: bytes) -> int:
    """Lines after the first: how many rows a table may have had that cannot be read as one."""
    lines = content.count(b"\n") + (bool(content) and not content.endswith((b"\n", b"\n\0")))
    return max(0, lines - 1)


def read(content: bytes) -> Ack | Table:
    """Tell by its content what the file is; names are the vendor's own affair.

    Raises:
        FileRefused: it is none of the files that a vendor sends, or not readable as one.
    """
    if not content or content.isspace():
        raise FileRefused(_EMPTY)
    _require_text(content)
    begin = _BLANK_BEFORE_JSON.match(content)
    return _read_ack(content) if begin and begin[1] else _read_table(content)


_EMPTY = "the file is empty: an acknowledgement is a JSON object, a table has at least its header row"


def _require_text(content: bytes) -> None:
    """Name what the file is where that can be told: a vendor knows its own programs better than byte numbers."""
    if content.startswith(_UTF_16):
        raise FileRefused("the file is not UTF-8 but UTF-16: save it as UTF-8")
    for signature, what in _SIGNATURES.items():
        if content.startswith(signature):
            raise FileRefused(f"the file is {what}, whatever its name says: send the table itself, as CSV in UTF-8")
    zero = content.find(b"\0")
    if zero >= 0:
        raise FileRefused(f"line {_line_of(content, zero)}: a zero byte: this is not text in UTF-8 (UTF-16, perhaps)")


def _read_ack(content: bytes) -> Ack:
    if len(content) > LARGEST_ACK:
        raise FileRefused(
            f"the acknowledgement has {len(content)} bytes, at most {LARGEST_ACK} are read: where that many rows are"
            " rejected, refuse the list as a whole (`accepted` 0, nothing in `rejected`)"
        )
    try:
        return Ack.model_validate_json(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FileRefused(f"line {_line_of(content, error.start)}: the file is not UTF-8: save it as UTF-8") from error
    except ValidationError as error:
        # The input is left out: a reason for a rejected row may say anything.
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise FileRefused(*(_told(problem["loc"], problem["msg"]) for problem in problems[:_TOLD])) from error


def _told(location: tuple[int | str, ...], message: str) -> str:
    if message.startswith("Invalid JSON: recursion limit"):
        return "the JSON is nested too deeply to be an acknowledgement"
    return f"{'.'.join(map(str, location)) or 'acknowledgement'}: {message}"


def _read_table(content: bytes) -> Table:
    header = next((raw.fields for raw in _records(content)), None)
    if header is None:
        raise FileRefused(_EMPTY)
    kind: Kind = "qa" if _looks_like(header, QA_FIELDS) > _looks_like(header, RESULT_FIELDS) else "results"
    problems = _header_problems(header, COLUMNS[kind])
    if problems:
        raise FileRefused(*problems)
    return Table(kind, tuple(header), content)


def _looks_like(header: Sequence[str], columns: Sequence[Column]) -> int:
    """How many required columns are there."""
    return len({column.name for column in columns if column.required} & set(header))


def _header_problems(header: Sequence[str], columns: Sequence[Column]) -> list[str]:
    names = [column.name for column in columns]
    if len(header) == 1:
        for separator, plural in _SEPARATORS.items():
            if separator in header[0]:
                return [f"line 1: columns are separated by {plural}, expected commas"]
    # By its place, not by its name: where the header is missing, that is a value of a row.
    unknown = islice(((place, name) for place, name in enumerate(header, 1) if name not in names), _TOLD)
    problems = [f"line 1: column {place} is unknown{_nearest(name, names)}" for place, name in unknown]
    problems += [f"line 1: column {name} appears twice" for name in names if header.count(name) > 1]
    missing = [column.name for column in columns if column.required and column.name not in header]
    return problems + [f"line 1: required column {name} is missing" for name in missing]


def _nearest(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name.strip().lower()[:40], names, n=1)
    return f", did you mean {near[0]}?" if near else ""


class _Lines:
    """The lines of a text for the CSV reader, which would otherwise take a record of any length into memory."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.of_record = 0
        """Characters of the record that is being read."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_ROW + 1)
        if not line:
            raise StopIteration
        self.of_record += len(line)
        if self.of_record > LONGEST_ROW:
            raise csv.Error(f"the row is longer than {LONGEST_ROW:,} characters")
        return line


def _records(content: bytes) -> Iterator[RawRow]:
    """Records with the line on which each begins; blank lines are skipped."""
    lines = _Lines(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""))
    reader = csv.reader(lines, strict=True)
    line = 1
    try:
        for fields in reader:
            if fields:
                yield RawRow(line, fields)
            line = reader.line_num + 1
            lines.of_record = 0
    except UnicodeDecodeError as error:
        raise FileRefused(f"line {_first_bad_line(content)}: the file is not UTF-8: save it as UTF-8") from error
    except csv.Error as error:
        raise FileRefused(f"line {line}: not readable as CSV ({error}): check the quotes") from error


def _first_bad_line(content: bytes) -> int:
    """Decoded as a whole, for the error to tell its place in the file and not in a buffer."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return _line_of(content, error.start)
    return 1


def _line_of(content: bytes, position: int) -> int:
    line_feeds = content.count(b"\n", 0, position)
    return (line_feeds or content.count(b"\r", 0, position)) + 1

"""Reading what a vendor sent, from its bytes alone: which kind of file it is, its header, its rows.

Nothing here knows the ledger: `arrears vendor check` uses it on a vendor's own machine, `ingest` before it asks the
warehouse. A file that cannot be read as a whole raises `FileRefused` with words that a vendor can act on; they hold
line numbers and column names, never values of a row.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Literal

import pandas as pd
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from arrears.domain.vendor_results import QA_FIELDS, RESULT_FIELDS
from arrears.domain.vendor_results import Field as Column
from arrears.errors import ArrearsError

Kind = Literal["ack", "results", "qa"]

CHUNK_ROWS = 20_000
LINE_NUMBER = "_line_number"
ROW_TEXT = "_row_text"
FIELD_COUNT = "_field_count"

COLUMNS: dict[str, tuple[Column, ...]] = {"results": RESULT_FIELDS, "qa": QA_FIELDS}
_RESULTS_NAME = re.compile(r"(?P<batch_id>.+)\.results-\d+\.csv")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


class FileRefused(ArrearsError):  # noqa: N818 - a verdict on the vendor's file, not a fault of ours
    """The file is refused whole. Each problem is one sentence for the vendor."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


class RejectedRow(BaseModel):
    """One row of a list that the vendor will not work."""

    contact_ref: str = Field(min_length=1, max_length=100, description="The reference of the row in the list.")
    reason: str = Field(max_length=500, description="Why it is not worked.")


class Ack(BaseModel):
    """A vendor's acknowledgement: what it received, and which rows it will not work."""

    model_config = ConfigDict(title="Acknowledgement")

    batch_id: str = Field(min_length=1, max_length=200, description="As in the manifest.")
    received_at: AwareDatetime = Field(description="When the vendor took the batch, with offset.")
    rows: int = Field(ge=0, description="Rows that the vendor counted in the list.")
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the first file of the manifest, of the bytes as received."
    )
    accepted: int = Field(ge=0, description="Rows that will be worked; 0 refuses the list as a whole.")
    rejected: list[RejectedRow] = Field(
        description="Rows that will not be worked. Unless the list is refused, `accepted` and these add up to `rows`."
    )

    @model_validator(mode="after")
    def _adds_up(self) -> "Ack":
        is_refused_whole = self.accepted == 0 and not self.rejected
        if self.accepted + len(self.rejected) != self.rows and not is_refused_whole:
            raise ValueError(
                f"accepted ({self.accepted}) and rejected ({len(self.rejected)}) do not add up to rows ({self.rows})"
            )
        return self


@dataclass(frozen=True)
class Table:
    """The rows of a results or qa file, not yet read."""

    kind: Kind
    header: tuple[str, ...]
    content: bytes

    def chunks(self, rows: int = CHUNK_ROWS) -> Iterator[pd.DataFrame]:
        """The rows as text, some thousand at a time.

        Besides the file's columns each frame has the line on which the row begins (the header is line 1), the row as
        text, and its number of fields (where that is not the header's, the values are not to be used).

        Raises:
            FileRefused: the rest cannot be read: not UTF-8, or a quote that is never closed.
        """
        records = _records(self.content)
        next(records)
        columns = [*self.header, LINE_NUMBER, ROW_TEXT, FIELD_COUNT]
        while chunk := list(islice(records, rows)):
            yield pd.DataFrame([self._frame_row(line, fields) for line, fields in chunk], columns=columns, dtype=object)

    def _frame_row(self, line: int, fields: list[str]) -> list[object]:
        width = len(self.header)
        padded = (fields + [""] * width)[:width]
        return [*padded, line, _as_text(fields), len(fields)]


def batch_in_name(file_name: str) -> str | None:
    """The batch that a results file names, or None where the vendor chose another name."""
    match = _RESULTS_NAME.fullmatch(file_name)
    return match["batch_id"] if match else None


def read(content: bytes) -> Ack | Table:
    """Tell by its content what the file is; names are the vendor's own affair.

    Raises:
        FileRefused: it is none of the files that a vendor sends, or not readable as one.
    """
    if not content.strip():
        raise FileRefused("the file is empty: an acknowledgement is a JSON object, a table has at least its header row")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _read_ack(content)
    return _read_table(content)


def _read_ack(content: bytes) -> Ack:
    try:
        document = json.loads(content.decode("utf-8-sig"))
        return Ack.model_validate(document)
    except UnicodeDecodeError as error:
        raise FileRefused(f"the file is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise FileRefused(f"line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})") from error
    except RecursionError as error:
        raise FileRefused("the JSON is nested too deeply to be an acknowledgement") from error
    except ValidationError as error:
        # The input is left out: a reason for a rejected row may say anything.
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise FileRefused(*(f"{_where(problem['loc'])}: {problem['msg']}" for problem in problems[:20])) from error


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "acknowledgement"


def _read_table(content: bytes) -> Table:
    _, first = next(_records(content))
    header = tuple(first)
    kind: Kind = "qa" if _looks_like(header, QA_FIELDS) > _looks_like(header, RESULT_FIELDS) else "results"
    problems = _header_problems(header, COLUMNS[kind])
    if problems:
        raise FileRefused(*problems)
    return Table(kind, header, content)


def _looks_like(header: Sequence[str], columns: Sequence[Column]) -> int:
    """How many required columns are there."""
    return len({column.name for column in columns if column.required} & set(header))


def _header_problems(header: Sequence[str], columns: Sequence[Column]) -> list[str]:
    names = [column.name for column in columns]
    if len(header) == 1:
        for separator, plural in _SEPARATORS.items():
            if separator in header[0]:
                return [f"line 1: columns are separated by {plural}, expected commas"]
    problems = [
        f"line 1: unknown column {_quoted(name)}{_nearest(name, names)}" for name in header if name not in names
    ]
    problems += [f"line 1: column {name} appears twice" for name in names if header.count(name) > 1]
    missing = [column.name for column in columns if column.required and column.name not in header]
    return problems[:20] + [f"line 1: required column {name} is missing" for name in missing]


def _nearest(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name.strip().lower(), names, n=1)
    return f", did you mean {near[0]}?" if near else ""


def _quoted(name: str) -> str:
    """A column name fit to print; what may be a value (a file without header) is not repeated."""
    return f"`{name}`" if re.fullmatch(r"[A-Za-z_ ]{1,40}", name) else "(not a name)"


def _records(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Records with the line on which each begins; blank lines are skipped."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise FileRefused(f"line {_first_bad_line(content)}: the file is not UTF-8: save it as UTF-8") from error
    except csv.Error as error:
        raise FileRefused(f"line {line}: not readable as CSV ({error})") from error


def _first_bad_line(content: bytes) -> int:
    """Decoded as a whole, for the error to tell its place in the file and not in a buffer."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return 1


def _as_text(fields: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(fields)
    return buffer.getvalue()[:4000].replace("\x00", "")

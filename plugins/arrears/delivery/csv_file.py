"""Contact lists and recalls as CSV: UTF-8, LF, RFC 4180, minimal quoting; the same values give the same bytes.

Everything is written from a `Layout`; a value is written by its declared kind or refused, with a message that names the
column and never the value.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from arrears.delivery.layouts import E164_PATTERN, Field, Kind, Layout
from arrears.domain.money import format_amount
from arrears.errors import DeliveryError

# What a spreadsheet may take for a formula, also in its full-width forms. Apostrophes before it count, so that a text
# which already begins with one can be told from a neutralised one.
_DANGEROUS = re.compile(r"'*[=+\-@＝＋－＠]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_E164 = re.compile(E164_PATTERN)


@dataclass(frozen=True)
class Writing:
    """What a value's text depends on beside the value: the row's currency and the zone of instants."""

    currency: str
    zone: ZoneInfo


def render(layout: Layout, rows: Sequence[Mapping[str, object]], currencies: Sequence[str], zone: ZoneInfo) -> bytes:
    """The file's bytes: header and rows in the order given.

    Args:
        currencies: The currency of each row, which its amounts are written in.
        zone: The zone in which instants are written.

    Raises:
        DeliveryError: a value is not of its column's kind, or a required one is missing. Names the column and the row's
            place, never the value.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(layout.columns)
    for number, (row, currency) in enumerate(zip(rows, currencies, strict=True), start=1):
        writing = Writing(currency, zone)
        try:
            writer.writerow([write_value(field, row[field.name], writing) for field in layout.fields])
        except (ValueError, ArithmeticError) as problem:
            raise DeliveryError(f"list {layout.name}, row {number}: {problem}; nothing was written") from None
    return buffer.getvalue().encode()


def write_value(field: Field, value: object, writing: Writing) -> str:
    """One value as text; empty for null.

    Raises:
        ValueError: it is not of the field's kind, or missing and required.
    """
    text = "" if value is None else _WRITERS[field.kind](field, value, writing)
    if text == "" and field.required:
        raise ValueError(f"{field.name} is required and empty")
    return text


def neutralise(text: str) -> str:
    """One line of text that no spreadsheet runs: a dangerous first character gets a leading apostrophe."""
    line = _UNPRINTABLE.sub(" ", text).strip()
    return "'" + line if _DANGEROUS.match(line) else line


def restore(text: str) -> str:
    """What `neutralise` was given, line breaks and outer blanks aside."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text[1:]) else text


def _text(field: Field, value: object, writing: Writing) -> str:
    return neutralise(str(value))


def _e164(field: Field, value: object, writing: Writing) -> str:
    if not _E164.fullmatch(str(value)):
        raise ValueError(f"{field.name} is not a telephone number in E.164")
    return str(value)


def _amount(field: Field, value: object, writing: Writing) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ValueError(f"{field.name} is not a decimal amount")
    try:
        return format_amount(value, writing.currency)
    except ValueError as problem:
        raise ValueError(f"{field.name}: {problem}") from None


def _number(field: Field, value: object, writing: Writing) -> str:
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise ValueError(f"{field.name} is not an exact number")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _integer(field: Field, value: object, writing: Writing) -> str:
    if isinstance(value, bool) or not isinstance(value, Decimal | int) or value != int(value):
        raise ValueError(f"{field.name} is not a whole number")
    return str(int(value))


def _date(field: Field, value: object, writing: Writing) -> str:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError(f"{field.name} is not a date")
    return value.isoformat()


def _instant(field: Field, value: object, writing: Writing) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{field.name} is not an instant with an offset")
    return value.astimezone(writing.zone).isoformat()


_WRITERS: Mapping[Kind, Callable[[Field, object, Writing], str]] = {
    Kind.TEXT: _text,
    Kind.E164: _e164,
    Kind.AMOUNT: _amount,
    Kind.NUMBER: _number,
    Kind.INTEGER: _integer,
    Kind.DATE: _date,
    Kind.INSTANT: _instant,
}

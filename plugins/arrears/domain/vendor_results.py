"""What vendors report: the columns of their files, defined once, and the rules that each row must meet.

The table schemas in `docs/vendors`, the reader, `arrears vendor check` and the played vendors all use `RESULT_FIELDS`
and `QA_FIELDS`. A row is judged twice: alone (`read_row`) and against the batch that it answers (`judge`). Nothing here
reads a file, a database or a clock.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum

from arrears.domain.money import minor_digits

Value = str | int | bool | Decimal | date | datetime | None


class Kind(StrEnum):
    """How a field is written."""

    TEXT = "text"
    CODE = "code"
    INSTANT = "instant"
    DATE = "date"
    INTEGER = "integer"
    AMOUNT = "amount"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class Field:
    """One column of a file that a vendor sends."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    decimals: int = 0
    max_length: int = 100
    allowed: tuple[str, ...] = ()
    example: str = ""
    """What a row may hold here; empty where the example of the hand-book leaves it out."""


RESULT_FIELDS = (
    Field(
        "contact_ref",
        Kind.CODE,
        "The reference of the row in the list, unchanged.",
        required=True,
        example="rmzxw6ytboi7dsmbrgezdgnbvgy",
    ),
    Field(
        "contact_point_ref",
        Kind.CODE,
        "Which number of the row was dialled. Required for channel `phone`.",
        allowed=("phone", "alternate_phone"),
        example="phone",
    ),
    Field("attempted_at", Kind.INSTANT, "When the attempt began.", required=True, example="2020-04-15T10:02:00+08:00"),
    Field(
        "disposition",
        Kind.CODE,
        "How it ended: a code of the table of dispositions.",
        required=True,
        example="promise_to_pay",
    ),
    Field(
        "nonpayment_reason",
        Kind.CODE,
        "Why the customer does not pay, as a code, where it was said.",
        example="income_late",
    ),
    Field("collector_id", Kind.CODE, "Who made the attempt. Empty for channel `sms`.", example="C-17"),
    Field(
        "talk_seconds",
        Kind.INTEGER,
        "Length of the conversation, in seconds.",
        minimum=0,
        maximum=86_400,
        example="185",
    ),
    Field(
        "promise_amount",
        Kind.AMOUNT,
        "Amount promised. Required with a promise.",
        minimum=0,
        decimals=2,
        example="120.50",
    ),
    Field("promise_on", Kind.DATE, "Day by which it was promised. Required with a promise.", example="2020-04-20"),
    Field("amount_collected", Kind.AMOUNT, "Money taken during the attempt.", minimum=0, decimals=2),
    Field("cost", Kind.AMOUNT, "What the attempt costs; empty: by contract.", minimum=0, decimals=4, example="1.2000"),
    Field(
        "currency",
        Kind.CODE,
        "Currency of all amounts of the row: that of the list. Required with an amount.",
        example="USD",
    ),
    Field("complaint", Kind.BOOLEAN, "Whether the customer complained.", example="false"),
    Field("satisfaction", Kind.INTEGER, "The customer's own rating.", minimum=1, maximum=5, example="4"),
    Field("recording_ref", Kind.CODE, "Reference of the recording at the vendor.", example="R-2020-0415-0093"),
    Field(
        "note",
        Kind.TEXT,
        "Free text. No names, numbers or health data.",
        max_length=1000,
        example="wages come on the 18th",
    ),
)

QA_FIELDS = (
    Field(
        "recording_ref",
        Kind.CODE,
        "Reference of the recording that was reviewed.",
        required=True,
        example="R-2020-0415-0093",
    ),
    Field("collector_id", Kind.CODE, "Who is heard on it.", required=True, example="C-17"),
    Field("reviewed_on", Kind.DATE, "Day of the review.", required=True, example="2020-04-16"),
    Field(
        "score", Kind.AMOUNT, "Result of the review.", required=True, minimum=0, maximum=100, decimals=2, example="87.5"
    ),
    Field("breach_code", Kind.CODE, "The rule that was broken, if one was."),
    Field("reviewer", Kind.CODE, "Who reviewed it.", example="Q-2"),
)


class Reason(StrEnum):
    """Why a row was set aside. The text is what the vendor reads."""

    FIELD_COUNT = "the row has another number of fields than the header"
    MISSING_VALUE = "a required value is missing"
    NOT_A_CODE = "not a code: letters, digits and `._:-` only, beginning with a letter or digit"
    NOT_ALLOWED = "not one of the allowed codes"
    NOT_AN_INSTANT = "not an instant as 2020-04-15T10:02:00+08:00"
    BAD_OFFSET = "the instant has no offset, or one that no place on earth has"
    NOT_A_DATE = "not a day as 2020-04-15"
    NOT_AN_INTEGER = "not a whole number"
    NOT_AN_AMOUNT = "not an amount as 1234.56 (no currency sign, no thousands separator)"
    NOT_A_BOOLEAN = "not `true` or `false`"
    NEGATIVE = "below zero"
    OUT_OF_RANGE = "outside the allowed range"
    TOO_LONG = "the text is too long"
    UNSAFE_TEXT = "the text holds control characters, or begins as a spreadsheet formula does"
    UNKNOWN_DISPOSITION = "not a disposition that we know"
    OTHER_CHANNEL = "an attempt of this channel cannot end so"
    UNKNOWN_NONPAYMENT_REASON = "not a reason for non-payment that we know"
    NO_CONTACT_POINT = "which number was dialled is not said"
    PROMISE_INCOMPLETE = "a promise needs an amount above zero and a day"
    NOT_A_PROMISE = "a promise is given, but the disposition is not a promise"
    PROMISE_IN_PAST = "the promise is for a day before the attempt"
    PROMISE_TOO_FAR = "the promise is for a day more than a year after the attempt"
    CURRENCY_MISSING = "there is an amount, but no currency"
    CURRENCY_MISMATCH = "the currency is not that of the list"
    TOO_MANY_DECIMALS = "the amount has more decimals than its currency"
    BEFORE_LIST = "the attempt was made before the list was sent"
    IN_FUTURE = "lies in the future"
    NO_COLLECTOR_HERE = "a text message is sent by nobody: the field is to be empty"
    FOREIGN_COLLECTOR = "the collector works for another vendor"
    CONFLICT = "the same attempt was reported before, with other content"
    FOREIGN_REF = "not a contact_ref of the list: no row of the file is loaded"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row: the field (empty for the row as a whole) and the reason, never the value."""

    reason: Reason
    field: str

    @property
    def code(self) -> str:
        return self.reason.name

    def __str__(self) -> str:
        return f"{self.field}: {self.reason.value}" if self.field else self.reason.value


@dataclass(frozen=True)
class Disposition:
    """One row of the seed `dispositions`."""

    code: str
    is_contact: bool
    is_right_party: bool
    is_promise: bool
    is_final: bool
    _: KW_ONLY
    channels: frozenset[str]
    """Where an attempt can end so."""

    @classmethod
    def of_seed(cls, row: Mapping[str, str]) -> "Disposition":
        """From a row of the seed's file."""
        flags = (row[name] == "true" for name in ("is_contact", "is_right_party", "is_promise", "is_final"))
        return cls(row["disposition"], *flags, channels=frozenset(row["channels"].split()))


@dataclass(frozen=True)
class Terms:
    """What a batch says about the rows that may answer it."""

    channel: str
    earliest: datetime
    """No attempt can have been made before: see `earliest_attempt`."""
    latest: datetime
    """The instant of reading."""
    dispositions: Mapping[str, Disposition]
    nonpayment_reasons: frozenset[str]
    foreign_collectors: frozenset[str] = frozenset()
    """Those who work for other vendors: nobody reports or reviews what they did but their own."""


Row = dict[str, Value]


def read_row(values: Mapping[str, str], fields: Sequence[Field]) -> tuple[Row, list[Problem]]:
    """The row with its values as their types (empty = None), and what is wrong with it, taken alone.

    A value that is wrong is None in the row. Fields that the file does not have are None too.
    """
    row: Row = {}
    problems: list[Problem] = []
    for field in fields:
        text = values.get(field.name, "")
        value, reason = _read_value(text, field)
        row[field.name] = value
        if reason is not None:
            problems.append(Problem(reason, field.name))
    return row, problems


def judge(row: Row, terms: Terms, currency: str) -> list[Problem]:
    """What is wrong with a well-formed result row, given its batch and the currency of the list row it answers."""
    return [
        problem
        for rule in (_codes, _collector, _contact_point, _promise, _attempt_time)
        for problem in rule(row, terms)
    ] + list(_currency(row, currency))


def judge_review(row: Row, terms: Terms) -> list[Problem]:
    """What is wrong with a well-formed row of reviews."""
    problems = list(_collector(row, terms))
    reviewed_on = row["reviewed_on"]
    # It may be tomorrow already where the vendor is.
    if isinstance(reviewed_on, date) and reviewed_on > (terms.latest + _LARGEST_OFFSET).date():
        problems.append(Problem(Reason.IN_FUTURE, "reviewed_on"))
    return problems


def is_breach(attempted_at: datetime, window_start: datetime | None, window_end: datetime | None) -> bool:
    """Whether an attempt broke the window that the list gave. It happened, so it is loaded and recorded as a breach."""
    too_early = window_start is not None and attempted_at < window_start
    too_late = window_end is not None and attempted_at > window_end
    return too_early or too_late


def earliest_attempt(as_of: date, sent_at: datetime, bank_tz: tzinfo) -> datetime:
    """The first instant at which a list of `as_of` can have been worked.

    That is when the list was sent (or made, for whoever knows no more); for a list of a past business date, sent after
    the day it is for, it is the beginning of that day in the bank's time zone.
    """
    if sent_at.astimezone(bank_tz).date() <= as_of:
        return sent_at
    return datetime.combine(as_of, time.min, tzinfo=bank_tz)


# Values -------------------------------------------------------------------------------------------------------------

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(?P<offset>Z|[+-]\d\d:\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)
_AMOUNT = re.compile(r"-?\d{1,14}(\.(?P<decimals>\d+))?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
_YEARS = range(2000, 2100)
"""Other years are mistakes of typing or of a spreadsheet's calendar."""
_LONGEST_PROMISE = timedelta(days=366)
_LARGEST_OFFSET = timedelta(hours=14)

_Read = tuple[Value, Reason | None]


def _read_value(text: str, field: Field) -> _Read:
    if text == "":
        return None, Reason.MISSING_VALUE if field.required else None
    if len(text) > field.max_length:
        return None, Reason.TOO_LONG
    return _READERS[field.kind](text, field)


def read_text(text: str) -> _Read:
    """Free text, unless a terminal or a spreadsheet would take it for a command."""
    if _CONTROL.search(text) or text.startswith(_FORMULA):
        return None, Reason.UNSAFE_TEXT
    return text, None


def _read_code(text: str, field: Field) -> _Read:
    if not _CODE.fullmatch(text):
        return None, Reason.UNSAFE_TEXT if text.startswith(_FORMULA) else Reason.NOT_A_CODE
    if field.allowed and text not in field.allowed:
        return None, Reason.NOT_ALLOWED
    return text, None


def read_instant(text: str) -> _Read:
    """An instant with its offset, in UTC."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None, Reason.NOT_AN_INSTANT
    if match["offset"] is None:
        return None, Reason.BAD_OFFSET
    try:
        instant = datetime.fromisoformat(text)
        offset = instant.utcoffset() or timedelta(0)
    except ValueError:
        return None, Reason.NOT_AN_INSTANT
    if abs(offset) > _LARGEST_OFFSET:
        return None, Reason.BAD_OFFSET
    return (instant.astimezone(UTC), None) if instant.year in _YEARS else (None, Reason.OUT_OF_RANGE)


def _read_date(text: str, field: Field) -> _Read:
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        return None, Reason.NOT_A_DATE
    return (day, None) if day.year in _YEARS else (None, Reason.OUT_OF_RANGE)


def _read_integer(text: str, field: Field) -> _Read:
    if not _INTEGER.fullmatch(text):
        return None, Reason.NOT_AN_INTEGER
    return _within(int(text), field)


def _read_amount(text: str, field: Field) -> _Read:
    match = _AMOUNT.fullmatch(text)
    if match is None or len(match["decimals"] or "") > field.decimals:
        return None, Reason.NOT_AN_AMOUNT
    return _within(Decimal(text), field)


def _within(number: int | Decimal, field: Field) -> _Read:
    if number < 0 and field.minimum == 0:
        return None, Reason.NEGATIVE
    if (field.minimum is not None and number < field.minimum) or (field.maximum is not None and number > field.maximum):
        return None, Reason.OUT_OF_RANGE
    return number, None


def _read_boolean(text: str, field: Field) -> _Read:
    if text not in ("true", "false"):
        return None, Reason.NOT_A_BOOLEAN
    return text == "true", None


_READERS: Mapping[Kind, Callable[[str, Field], _Read]] = {
    Kind.TEXT: lambda text, _: read_text(text),
    Kind.CODE: _read_code,
    Kind.INSTANT: lambda text, _: read_instant(text),
    Kind.DATE: _read_date,
    Kind.INTEGER: _read_integer,
    Kind.AMOUNT: _read_amount,
    Kind.BOOLEAN: _read_boolean,
}


# Rules of a row against its batch -----------------------------------------------------------------------------------


def _codes(row: Row, terms: Terms) -> Iterator[Problem]:
    disposition = terms.dispositions.get(str(row["disposition"]))
    if disposition is None:
        yield Problem(Reason.UNKNOWN_DISPOSITION, "disposition")
    elif terms.channel and terms.channel not in disposition.channels:
        yield Problem(Reason.OTHER_CHANNEL, "disposition")
    if row["nonpayment_reason"] is not None and row["nonpayment_reason"] not in terms.nonpayment_reasons:
        yield Problem(Reason.UNKNOWN_NONPAYMENT_REASON, "nonpayment_reason")


def _collector(row: Row, terms: Terms) -> Iterator[Problem]:
    if terms.channel == "sms" and row["collector_id"] is not None:
        yield Problem(Reason.NO_COLLECTOR_HERE, "collector_id")
    elif row["collector_id"] in terms.foreign_collectors:
        yield Problem(Reason.FOREIGN_COLLECTOR, "collector_id")


def _contact_point(row: Row, terms: Terms) -> Iterator[Problem]:
    if terms.channel == "phone" and row["contact_point_ref"] is None:
        yield Problem(Reason.NO_CONTACT_POINT, "contact_point_ref")


def _promise(row: Row, terms: Terms) -> Iterator[Problem]:
    disposition = terms.dispositions.get(str(row["disposition"]))
    if disposition is None:
        return
    amount, promised_for, attempted_at = row["promise_amount"], row["promise_on"], row["attempted_at"]
    if not disposition.is_promise:
        if amount is not None or promised_for is not None:
            yield Problem(Reason.NOT_A_PROMISE, "promise_amount" if amount is not None else "promise_on")
        return
    if amount is None or amount == 0:
        yield Problem(Reason.PROMISE_INCOMPLETE, "promise_amount")
    elif promised_for is None:
        yield Problem(Reason.PROMISE_INCOMPLETE, "promise_on")
    elif isinstance(promised_for, date) and isinstance(attempted_at, datetime):
        # Before: when the day is over everywhere on earth, for the customer's zone is not reported.
        if promised_for < (attempted_at - timedelta(hours=12)).date():
            yield Problem(Reason.PROMISE_IN_PAST, "promise_on")
        if promised_for > (attempted_at + _LONGEST_PROMISE).date():
            yield Problem(Reason.PROMISE_TOO_FAR, "promise_on")


def _attempt_time(row: Row, terms: Terms) -> Iterator[Problem]:
    attempted_at = row["attempted_at"]
    if not isinstance(attempted_at, datetime):
        return
    if attempted_at < terms.earliest:
        yield Problem(Reason.BEFORE_LIST, "attempted_at")
    if attempted_at > terms.latest:
        yield Problem(Reason.IN_FUTURE, "attempted_at")


def _currency(row: Row, currency: str) -> Iterator[Problem]:
    has_amount = any(row[name] is not None for name in ("promise_amount", "amount_collected", "cost"))
    if row["currency"] is None:
        if has_amount:
            yield Problem(Reason.CURRENCY_MISSING, "currency")
    elif row["currency"] != currency:
        yield Problem(Reason.CURRENCY_MISMATCH, "currency")
    for name in ("promise_amount", "amount_collected"):
        amount = row[name]
        if isinstance(amount, Decimal) and amount != round(amount, minor_digits(currency)):
            yield Problem(Reason.TOO_MANY_DECIMALS, name)

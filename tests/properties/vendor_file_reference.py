"""What of a vendor's file may be accepted, judged again and from the hand-book alone (`docs/vendors/results.md`).

Shares no line with the code that it is held against: its own reader of CSV, its own patterns, its own rules. It knows
what is right, and not why something is wrong.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

RESULTS = (
    "contact_ref contact_point_ref attempted_at disposition nonpayment_reason collector_id talk_seconds promise_amount"
    " promise_on amount_collected cost currency complaint satisfaction recording_ref note"
).split()
REVIEWS = "recording_ref collector_id reviewed_on score breach_code reviewer".split()
REQUIRED = {
    "results": {"contact_ref", "attempted_at", "disposition"},
    "qa": {"recording_ref", "collector_id", "reviewed_on", "score"},
}
PROMISES = {"promise_to_pay"}
LONGEST_ROW = 65_536

Values = tuple[object, ...]


@dataclass(frozen=True)
class World:
    """What the bank knows: a vendor, its lists, and the codes."""

    channels: Mapping[str, str]
    """Channel of each of the vendor's own lists."""
    lists: Mapping[str, Mapping[str, str]]
    """Reference to currency, of each of them."""
    made_at: datetime
    now: datetime
    dispositions: Mapping[str, Sequence[str]]
    """The channels of each."""
    reasons: frozenset[str]
    foreign_collectors: frozenset[str]


@dataclass(frozen=True)
class Accepted:
    """A file that may be read."""

    kind: str
    rows: int = 0
    good: Mapping[int, Values] | None = None
    """The values of the rows that may be loaded, by line."""


def judge(name: str, content: bytes, world: World) -> Accepted | None:
    """What may be accepted of the file; None where that is nothing."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}", name) or b"\0" in content or not content.strip():
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    text = text.removeprefix("\ufeff")
    if text.lstrip(" \t\r\n").startswith(("{", "[")):
        return Accepted("ack") if len(content) <= 5_000_000 and _is_ack(text, world) else None
    records = _records(text)
    return _table(name, records, world) if records else None


# Acknowledgements ----------------------------------------------------------------------------------------------------


def _is_ack(text: str, world: World) -> bool:
    try:
        ack = json.loads(text)
        refs = world.lists[ack["batch_id"]]
        rejected = [(row["contact_ref"], row["reason"]) for row in ack["rejected"]]
        counts = ack["rows"], ack["accepted"]
        is_whole = (
            isinstance(ack["rejected"], list)
            and all(type(count) is int and 0 <= count <= 10**9 for count in counts)
            and re.fullmatch("[0-9a-f]{64}", ack["sha256"]) is not None
            and _instant(ack["received_at"]) is not None
        )
        return (
            is_whole
            and all(ref in refs and _is_plain(reason) and len(reason) <= 500 for ref, reason in rejected)
            and len({ref for ref, _ in rejected}) == len(rejected)
            and (counts[1] + len(rejected) == counts[0] or (counts[1] == 0 and not rejected))
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


# Tables --------------------------------------------------------------------------------------------------------------


def _records(text: str) -> list[tuple[int, list[str]]] | None:
    """RFC 4180, character by character, with the line of each record; None where it cannot be read to its end."""
    records: list[tuple[int, list[str]]] = []
    position, line = 0, 1
    while position < len(text):
        begun_at, begun_on, fields = position, line, [""]
        is_open = True
        while is_open:
            if text.startswith('"', position):
                end = position + 1
                while (end := text.find('"', end)) >= 0 and text.startswith('""', end):
                    end += 2
                if end < 0:
                    return None
                fields[-1] = text[position + 1 : end].replace('""', '"')
                line += len(re.findall("\r\n|\r|\n", text[position:end]))
                position = end + 1
                if position < len(text) and text[position] not in ",\r\n":
                    return None
            else:
                found = re.compile("[^,\r\n]*").match(text, position)
                assert found is not None
                fields[-1], position = found[0], found.end()
            is_open = text.startswith(",", position)
            if is_open:
                fields.append("")
                position += 1
        position += 2 if text.startswith("\r\n", position) else 1
        if min(position, len(text)) - begun_at > LONGEST_ROW:
            return None
        line += 1
        if fields != [""] or text.startswith('"', begun_at):
            records.append((begun_on, fields))
    return records


def _table(name: str, records: list[tuple[int, list[str]]], world: World) -> Accepted | None:
    header = records[0][1]
    kind = "qa" if set(header) <= set(REVIEWS) and REQUIRED["qa"] <= set(header) else "results"
    columns = REVIEWS if kind == "qa" else RESULTS
    if len(set(header)) < len(header) or not set(header) <= set(columns) or not REQUIRED[kind] <= set(header):
        return None
    rows = {
        line: dict.fromkeys(columns, "") | dict(zip(header, fields, strict=True))
        for line, fields in records[1:]
        if len(fields) == len(header)
    }
    if kind == "qa":
        good = {line: values for line, row in rows.items() if (values := _review(row, world))}
        return Accepted(kind, len(records) - 1, good)
    named = re.fullmatch(r"(.+)\.results-[0-9]+\.csv", name)
    refs = [row["contact_ref"] for row in rows.values() if _is_code(row["contact_ref"])]
    batch = named[1] if named else next((batch for batch, its in world.lists.items() if refs and refs[0] in its), "")
    if batch not in world.lists or any(ref not in world.lists[batch] for ref in refs):
        return None
    good = {line: values for line, row in rows.items() if (values := _result(row, batch, world))}
    return Accepted(kind, len(records) - 1, good)


def _review(row: Mapping[str, str], world: World) -> Values | None:
    day, score = _day(row["reviewed_on"]), _number(row["score"], 2)
    codes = [row[name] for name in ("recording_ref", "collector_id", "breach_code", "reviewer")]
    is_good = (
        day is not None
        and day <= (world.now + timedelta(hours=14)).date()
        and score is not None
        and score <= 100
        and all(codes[:2])
        and all(code == "" or _is_code(code) for code in codes)
        and row["collector_id"] not in world.foreign_collectors
    )
    return (codes[0], codes[1], day, score, codes[2] or None, codes[3] or None) if is_good else None


def _result(row: Mapping[str, str], batch: str, world: World) -> Values | None:
    ref, at = row["contact_ref"], _instant(row["attempted_at"])
    if not _is_code(ref) or at is None or not world.made_at <= at <= world.now:
        return None
    currency = world.lists[batch][ref]
    money = {name: _number(row[name], digits) for name, digits in _MONEY.items()}
    whole = {name: _number(row[name], 0) for name in ("talk_seconds", "satisfaction")}
    promised_for = _day(row["promise_on"])
    is_good = (
        all(row[name] == "" or _is_code(row[name]) for name in _CODES)
        and world.channels[batch] in world.dispositions.get(row["disposition"], ())
        and (row["collector_id"] == "" or world.channels[batch] != "sms")
        and row["nonpayment_reason"] in world.reasons | {""}
        and row["contact_point_ref"] in _POINTS[world.channels[batch] == "phone"]
        and row["collector_id"] not in world.foreign_collectors
        and row["complaint"] in ("", "true", "false")
        and (row["note"] == "" or (_is_plain(row["note"]) and len(row["note"]) <= 1000))
        and all((row[name] == "") == (value is None) for name, value in {**money, **whole}.items())
        and (whole["talk_seconds"] or 0) <= 86_400
        and 1 <= (1 if whole["satisfaction"] is None else whole["satisfaction"]) <= 5
        and (row["promise_on"] == "") == (promised_for is None)
        and _is_sound_promise(row["disposition"] in PROMISES, money["promise_amount"], promised_for, at)
        and row["currency"] in ((currency,) if any(value is not None for value in money.values()) else (currency, ""))
        and all(money[name] is None or _fits(money[name], currency) for name in ("promise_amount", "amount_collected"))
    )
    if not is_good:
        return None
    return (
        *(row[name] or None for name in ("contact_ref", "contact_point_ref")),
        at,
        *(row[name] or None for name in ("disposition", "nonpayment_reason", "collector_id")),
        whole["talk_seconds"],
        money["promise_amount"],
        promised_for,
        money["amount_collected"],
        money["cost"],
        row["currency"] or None,
        {"": None, "true": True, "false": False}[row["complaint"]],
        whole["satisfaction"],
        row["recording_ref"] or None,
        row["note"] or None,
    )


_MONEY = {"promise_amount": 2, "amount_collected": 2, "cost": 4}
_CODES = "contact_ref contact_point_ref disposition nonpayment_reason collector_id currency recording_ref".split()
_POINTS = {True: ("phone", "alternate_phone"), False: ("", "phone", "alternate_phone")}


def _is_sound_promise(is_promise: bool, amount: Decimal | None, day: date | None, at: datetime) -> bool:
    if not is_promise:
        return amount is None and day is None
    if not amount or day is None:
        return False
    return (at - timedelta(hours=12)).date() <= day <= (at + timedelta(days=366)).date()


def _fits(amount: Decimal | None, currency: str) -> bool:
    return currency != "JPY" or amount == int(amount or 0)


# Values --------------------------------------------------------------------------------------------------------------


def _is_code(text: str) -> bool:
    return len(text) <= 100 and re.fullmatch("[A-Za-z0-9][A-Za-z0-9._:-]*", text) is not None


def _is_plain(text: object) -> bool:
    """No control characters but tab and line ends within, and nothing that a spreadsheet runs."""
    if not isinstance(text, str):
        return False
    bad = {*map(chr, range(32)), *map(chr, range(127, 160))} - set("\t\r\n")
    return (
        not (set(text) & bad) and text[:1] not in tuple("=+-@＝＋－＠\t\r\n") and not re.search("[\ud800-\udfff]", text)
    )


def _number(text: str, decimals: int) -> Decimal | None:
    pattern = f"-?[0-9]{{1,14}}([.][0-9]{{1,{decimals}}})?" if decimals else "-?[0-9]{1,9}"
    number = Decimal(text) if re.fullmatch(pattern, text) else None
    return number if number is not None and number >= 0 else None


def _day(text: str) -> date | None:
    found = re.fullmatch("(20[0-9][0-9])-([0-9][0-9])-([0-9][0-9])", text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


_INSTANT = re.compile(
    r"(20[0-9]{2}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.]([0-9]{1,6}))?)?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


def _instant(text: object) -> datetime | None:
    found = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    day = _day(found[1]) if found else None
    if found is None or day is None:
        return None
    hour, minute, second = (int(found[place] or 0) for place in (2, 3, 4))
    offset = timedelta(hours=int(found[7] or 0), minutes=int(found[8] or 0)) * (-1 if found[6] == "-" else 1)
    if hour > 23 or minute > 59 or second > 59 or int(found[8] or 0) > 59 or abs(offset) > timedelta(hours=14):
        return None
    micro = int((found[5] or "").ljust(6, "0"))
    return datetime(day.year, day.month, day.day, hour, minute, second, micro, tzinfo=timezone(offset)).astimezone(UTC)

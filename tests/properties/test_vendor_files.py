"""Thousands of damaged vendor files, each judged a second time by `vendor_file_reference`.

`make test` reads a sample, `make test-files` ten thousand. A file is named by the seed and its number, and is the same
whenever it is made: a failure names it.
"""

import csv
import io
import json
import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

import pandas as pd
import pytest
from vendor_file_reference import RESULTS, REVIEWS, Accepted, World, judge
from vendor_inbox import (
    NOW,
    PLANNED_AT,
    REVIEW,
    SEEDS_DIRECTORY,
    MemoryInbox,
    Warehouse,
    acknowledgement,
    empty,
    ingest_database,
    open_bank,
    query,
    send,
)

from arrears.delivery.ingest import FileOutcome, read_inbound
from arrears.quality.rules import RuleResult, read_suite
from arrears.settings import Settings

pytestmark = pytest.mark.postgres

SEED = 20200415
FILES = int(os.environ.get("VENDOR_FILES", "400"))
IN_ONE_PASS = 200
OURS, YEN, THEIRS = "phone-demo_call-20200415-01", "phone-demo_call-20200415-02", "sms-demo_sms-20200415-01"
LISTS = {
    OURS: {f"call-{number}": "USD" for number in range(6)},
    YEN: {f"yen-{number}": "JPY" for number in range(3)},
}
FOREIGN_REFS = ("text-0", "text-1")


@cache
def world() -> World:
    def seed(name: str) -> list[dict[str, str]]:
        with (SEEDS_DIRECTORY / f"{name}.csv").open() as file:
            return list(csv.DictReader(file))

    return World(
        channels=dict.fromkeys(LISTS, "phone"),
        lists=LISTS,
        made_at=PLANNED_AT,
        now=NOW,
        dispositions={row["disposition"]: row["channels"].split() for row in seed("dispositions")},
        reasons=frozenset(row["nonpayment_reason"] for row in seed("nonpayment_reasons")),
        foreign_collectors=frozenset({"SYN-demo_visit-01"}),
    )


# The files -----------------------------------------------------------------------------------------------------------

TEXTS = (
    *(
        "=1+1",
        "＝1+1",
        "＠x",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\n=1",
        "\r",
        "'=1",
        " =1",
        "a\tb",
        "two\nlines",
        "\u202e",
    ),
    *(
        "a\x00b",
        "bell\x07",
        "\x9b2J",
        "\x85",
        "\ufeff",
        "x" * 500,
        "x" * 501,
        "x" * 1000,
        "x" * 1001,
        "x" * 66_000,
        "é",
    ),
)
CODES = (
    *(
        "",
        " ",
        "../../etc/passwd",
        "C:\\x",
        "a b",
        "é",
        "０",
        "_a",
        "-a",
        "=a",
        "a:b",
        "x" * 100,
        "x" * 101,
        "a\n",
        "null",
    ),
    *(
        "promise_to_pay",
        "refused",
        "PROMISE_TO_PAY",
        "callback",
        "filed",
        "forgot",
        "holiday",
        "phone",
        "alternate_phone",
    ),
    *("office", "USD", "JPY", "usd", "US$", "SYN-demo_visit-01", "SYN-demo_call-01", "call-1", "Call-1", "call-1 "),
)
NUMBERS = (
    *(
        "",
        "0",
        "0.00",
        "-0",
        "-0.01",
        "-5",
        "1e5",
        "1E400",
        "NaN",
        "inf",
        "1,000.00",
        "120.50",
        "1.234",
        "12.34567",
        "1.",
    ),
    *("999999999999999.00", "99999999999999.99", "9" * 400, "００１", "٣", "7", "1", "5", "6", "86400", "86401", "100"),
    *("100.01", "101", "1234567890", " 5", "+5", "0x5", "1_000"),
)
DAYS = (
    *(
        "",
        "2020-04-12",
        "2020-04-13",
        "2020-04-14",
        "2020-04-16",
        "2020-04-17",
        "2020-04-18",
        "2021-04-15",
        "2021-04-16",
    ),
    *("2021-04-17", "2099-12-31", "9999-12-31", "1900-01-01", "2020-02-30", "20200420", "2020-W16-3", "15/04/2020"),
    *("2020-04-20 ", "２０２０-04-20"),
)
INSTANTS = (
    *(
        "2020-04-15T10:02",
        "2020-04-15T10:02:00",
        "2020-04-15T10:02:00Z",
        "2020-04-15t10:02:00z",
        "2020-04-15 10:02:00Z",
    ),
    *(
        "2020-04-15T20:02:00+14:00",
        "2020-04-15T20:02:00+14:01",
        "2020-04-15T10:02:00-14:00",
        "2020-04-15T10:02:00+0800",
    ),
    *(
        "2020-04-15T24:00:00+08:00",
        "2020-04-15T10:02:60+08:00",
        "2020-04-15T10:02:00.1234567+08:00",
        "2020-04-15T10:02+08",
    ),
    *("2020-04-15T05:59:59+08:00", "2020-04-15T06:00:00+08:00", "2020-04-16T12:00:00Z", "2020-04-16T12:00:01Z"),
    *("1586902860", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2020-02-30T10:02:00Z", ""),
)
NASTY = {
    "attempted_at": INSTANTS,
    "note": TEXTS,
    "promise_on": DAYS,
    "reviewed_on": DAYS,
    "complaint": ("", "true", "TRUE", "yes", "1", "false "),
    **dict.fromkeys(("talk_seconds", "promise_amount", "amount_collected", "cost", "satisfaction", "score"), NUMBERS),
}
"""Values that a column must not hold, only just may, or holds in another form; `CODES` for those that are not named."""
EVERY = (*TEXTS, *CODES, *NUMBERS, *DAYS, *INSTANTS)


@dataclass
class Sheet:
    """A table before it is written."""

    columns: list[str]
    rows: list[list[str]]


def damaged_file(number: int) -> tuple[str, bytes]:
    """The name and the bytes of a file: sound one time in eight, else damaged once or several times."""
    dice = Random(SEED * 1_000_000 + number)
    kind = dice.choices(("results", "qa", "ack"), (14, 3, 3))[0]
    damages = dice.choice((0, 1, 1, 1, 1, 2, 2, 3))
    if kind == "ack":
        name, content = f"{number:06d}.ack.json", _damaged_ack(dice, damages)
    else:
        sheet = _results(dice, number) if kind == "results" else _reviews(dice, number)
        for _ in range(sum(dice.random() < 0.6 for _ in range(damages))):
            dice.choice(SHEET_DAMAGES)(dice, sheet)
        name, content = f"{number:06d}.csv", _write(sheet)
    for _ in range(sum(dice.random() < 0.4 for _ in range(damages))):
        content = dice.choice(BYTE_DAMAGES)(dice, content)
    if kind == "results" and dice.random() < 0.5:
        name = f"{OURS}.results-{number:06d}.csv"
    if damages and dice.random() < 0.06:
        name = dice.choice(NAME_DAMAGES)(name, number)
    return name, content


def _results(dice: Random, number: int) -> Sheet:
    refs, currency = dice.choice([(list(refs), next(iter(refs.values()))) for refs in LISTS.values()])
    rows = []
    for place in range(dice.randint(0, 5)):
        at = datetime(2020, 4, 15, 1, tzinfo=UTC) + timedelta(
            seconds=number * 7 % 30_000, microseconds=number * 10 + place
        )
        is_promise = dice.random() < 0.5
        rows.append(
            [
                *(dice.choice(refs), "phone", at.isoformat(), "promise_to_pay" if is_promise else "busy"),
                *("forgot", "SYN-demo_call-01", str(dice.randint(0, 900))),
                *(("120.00", "2020-04-20") if is_promise else ("", "")),
                *("", "1.2000", currency, "false", "4", f"rec-{place}", "will pay after payday"),
            ]
        )
    return Sheet(list(RESULTS), rows)


def _reviews(dice: Random, number: int) -> Sheet:
    rows = [list((REVIEW | {"recording_ref": f"rec-{number}-{place}"}).values()) for place in range(dice.randint(0, 3))]
    return Sheet(list(REVIEWS), rows)


def _write(sheet: Sheet) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([sheet.columns, *sheet.rows])
    return buffer.getvalue().encode("utf-8", "surrogatepass")


def _cell(dice: Random, sheet: Sheet) -> None:
    if sheet.rows and (row := dice.choice(sheet.rows)):
        place = dice.randrange(min(len(row), len(sheet.columns)))
        row[place] = dice.choice(NASTY.get(sheet.columns[place], CODES) if dice.random() < 0.8 else EVERY)


def _reference(dice: Random, sheet: Sheet) -> None:
    if sheet.rows and dice.choice(sheet.rows):
        dice.choice(sheet.rows)[:1] = [dice.choice((*LISTS[OURS], *LISTS[YEN], *FOREIGN_REFS, "call-9", ""))]


def _exchange(dice: Random, sheet: Sheet) -> None:
    if sheet.rows and len(row := dice.choice(sheet.rows)) > 1:
        one, other = dice.sample(range(len(row)), 2)
        row[one], row[other] = row[other], row[one]


def _again(dice: Random, sheet: Sheet) -> None:
    """A row twice, and perhaps with other content."""
    if sheet.rows:
        sheet.rows.append(list(dice.choice(sheet.rows)))
        if dice.random() < 0.5 and len(sheet.rows[-1]) > 10:
            sheet.rows[-1][10] = "9.9000"


def _other_width(dice: Random, sheet: Sheet) -> None:
    if sheet.rows:
        row = dice.choice(sheet.rows)
        row.append("more") if dice.random() < 0.5 else row[-1:].clear() or row.pop()


def _drop_column(dice: Random, sheet: Sheet) -> None:
    place = dice.randrange(len(sheet.columns))
    for row in [sheet.columns, *sheet.rows]:
        if place < len(row) > 1:
            del row[place]


def _drop_optional(dice: Random, sheet: Sheet) -> None:
    """The columns that a vendor may leave out."""
    for name in dice.sample(("satisfaction", "note", "complaint", "reviewer", "nonpayment_reason"), 2):
        if name in sheet.columns:
            place = sheet.columns.index(name)
            for row in [sheet.columns, *sheet.rows]:
                if place < len(row):
                    del row[place]


def _reorder(dice: Random, sheet: Sheet) -> None:
    order = dice.sample(range(len(sheet.columns)), len(sheet.columns))
    for row in [sheet.columns, *sheet.rows]:
        if len(row) == len(order):
            row[:] = [row[place] for place in order]


def _header(dice: Random, sheet: Sheet) -> None:
    place = dice.randrange(len(sheet.columns))
    sheet.columns[place] = dice.choice(
        ("Note", "note", "cost ", "talk_second", "contact_ref", "", "\ufeffcost", sheet.columns[0])
    )


SHEET_DAMAGES: Sequence[Callable[[Random, Sheet], None]] = (
    *(_cell,) * 10,
    *(_reference,) * 2,
    *(_exchange, _again, _other_width, _drop_column, _drop_optional, _reorder, _header),
)


def _replaced(old: bytes, new: bytes) -> Callable[[Random, bytes], bytes]:
    return lambda dice, content: content.replace(old, new)


def _flip(dice: Random, content: bytes) -> bytes:
    place = dice.randrange(len(content) or 1)
    return content[:place] + bytes([dice.randrange(256)]) + content[place + 1 :]


def _insert(dice: Random, content: bytes) -> bytes:
    place = dice.randrange(len(content) + 1)
    what = dice.choice(
        (b"\0", b"\xff", b'"', b'""', b",", b"\n", b"\r", b"\r\n", b";", b"\xef\xbb\xbf", b"'", b"{", b"\n\n", b" ")
    )
    return content[:place] + what + content[place:]


def _cut(dice: Random, content: bytes) -> bytes:
    one, other = sorted(dice.randrange(len(content) + 1) for _ in range(2))
    return content[:one] + content[other:]


def _repeat(dice: Random, content: bytes) -> bytes:
    one, other = sorted(dice.randrange(len(content) + 1) for _ in range(2))
    return content[:other] + content[one:]


def _encode(dice: Random, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(
        dice.choice(("utf-16", "utf-16-le", "utf-8-sig", "latin-1", "gbk", "utf-32", "cp1252")), "replace"
    )


BYTE_DAMAGES: Sequence[Callable[[Random, bytes], bytes]] = (
    *(_flip, _flip, _insert, _insert, _cut, _repeat, _encode, _encode),
    *(_replaced(b"\n", b"\r\n"), _replaced(b"\n", b"\r"), _replaced(b"\n", b"\n\n"), _replaced(b",", b";")),
    *(_replaced(b",", b"\t"), _replaced(b'"', b""), _replaced(b",", b", ")),
    lambda dice, content: content[: dice.randrange(len(content) + 1)],
    lambda dice, content: dice.choice((b"", b" \n", b"\xef\xbb\xbf", b"PK\x03\x04", b"\x1f\x8b", b"<")) + content[:0],
    lambda dice, content: dice.choice((b"PK\x03\x04", b"\x1f\x8b\x08", b"\n", b"sep=,\n", b"#")) + content,
)

NAME_DAMAGES: Sequence[Callable[[str, int], str]] = (
    lambda name, number: f"{THEIRS}.results-{number}.csv",
    lambda name, number: f"phone-demo_call-20200416-01.results-{number}.csv",
    lambda name, number: f"{YEN}.results-{number}.csv",
    lambda name, number: f"..\\{name}",
    lambda name, number: f"={name}",
    lambda name, number: f"{number} results.csv",
    lambda name, number: f"{number}-" + "n" * 200,
    lambda name, number: f"{number}.jpg",
)


def _damaged_ack(dice: Random, damages: int) -> bytes:
    batch = dice.choice(tuple(LISTS))
    refs = dice.sample(tuple(LISTS[batch]), dice.randint(0, 2))
    rejected: list[object] = [{"contact_ref": ref, "reason": "no number"} for ref in refs]
    count = len(LISTS[batch])
    document = json.loads(acknowledgement(batch, rows=count, accepted=count - len(refs), rejected=rejected))
    for _ in range(damages):
        key = dice.choice(tuple(document) or ("rows",))
        dice.choice(ACK_DAMAGES)(dice, document, key)
    return json.dumps(document).encode()


def _set_reason(dice: Random, document: dict[str, object], key: str) -> None:
    document["batch_id"], document["rows"], document["accepted"] = OURS, 6, 5
    document["rejected"] = [{"contact_ref": "call-1", "reason": dice.choice(TEXTS)}]


ACK_DAMAGES: Sequence[Callable[[Random, dict[str, object], str], object]] = (
    lambda dice, document, key: document.pop(key, None),
    lambda dice, document, key: document.update({key: dice.choice(EVERY)}),
    lambda dice, document, key: document.update(
        {key: dice.choice((None, True, -1, 2.5, 10**30, 0, 6, [], {}, [[]], "6"))}
    ),
    lambda dice, document, key: document.update({"batch_id": dice.choice((OURS, YEN, THEIRS, "", "no-such-batch"))}),
    lambda dice, document, key: document.update({"received_at": dice.choice(INSTANTS)}),
    lambda dice, document, key: document.update(
        {"rejected": [{"contact_ref": "call-1", "reason": "a"}] * 2, "accepted": 4}
    ),
    lambda dice, document, key: document.update({"accepted": 0}),
    _set_reason,
)


# The test ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(server: Settings) -> Iterator[Settings]:
    with ingest_database(server, "warehouse_damaged_files") as settings:
        yield settings


@pytest.fixture
def bank(database: Settings) -> Iterator[Warehouse]:
    with open_bank(database) as warehouse:
        yield warehouse


def prepare(warehouse: Warehouse) -> None:
    """The world as `world` describes it."""
    empty(warehouse)
    for batch, refs in LISTS.items():
        send(warehouse, batch, channel="phone", vendor="demo_call", refs=list(refs))
    send(warehouse, THEIRS, channel="sms", vendor="demo_sms", refs=FOREIGN_REFS)
    with warehouse, warehouse.cursor() as cursor:
        cursor.execute("update ops.delivery_item set currency = 'JPY' where batch_id = %s", (YEN,))
        cursor.execute("create table staging.stg_core_banking__collectors (collector_id text, vendor text)")
        cursor.execute("insert into staging.stg_core_banking__collectors values ('SYN-demo_visit-01', 'demo_visit')")


def quick_gate(*, suite: str, frame: pd.DataFrame, reference: str, docs_dir: object) -> list[RuleResult]:
    """The suite without its engine, which takes most of the time of a small file and is tested elsewhere."""
    return [_result_of(rule, frame) for rule in _rules(suite)]


@cache
def _rules(suite: str) -> tuple[object, ...]:
    return tuple(read_suite(suite).rules)


def _result_of(rule: object, frame: pd.DataFrame) -> RuleResult:
    kwargs = rule.kwargs  # type: ignore[attr-defined]
    if "column_set" in kwargs:
        failed = int(set(kwargs["column_set"]) != set(frame.columns))
    elif "column_A" in kwargs:
        failed = sum(
            one != other for one, other in zip(frame[kwargs["column_A"]], frame[kwargs["column_B"]], strict=True)
        )
    elif "value_set" in kwargs:
        failed = sum(value not in kwargs["value_set"] for value in frame[kwargs["column"]])
    else:
        failed = sum(value is not None for value in frame[kwargs["column"]])
    return RuleResult(
        rule_id=rule.rule_id,  # type: ignore[attr-defined]
        reason_code=rule.reason_code,  # type: ignore[attr-defined]
        severity=rule.severity,  # type: ignore[attr-defined]
        success=failed == 0,
        checked_rows=len(frame),
        failed_rows=failed,
        expected=rule.expected,  # type: ignore[attr-defined]
        found="",
        docs_path=None,
    )


def test_no_damaged_file_is_accepted_beyond_what_may_be(
    bank: Warehouse, database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arrears.delivery.inbound_load.check_frame", quick_gate)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counted: Counter[str] = Counter()
    for start in range(0, FILES, IN_ONE_PASS):
        prepare(bank)
        files = dict(damaged_file(number) for number in range(start, min(start + IN_ONE_PASS, FILES)))
        report = read_inbound(bank, MemoryInbox(files), vendor="demo_call", settings=database, now=NOW)
        assert len(report.files) == len(files)
        for (name, content), outcome in zip(sorted(files.items()), report.files, strict=True):
            accepted = judge(name, content, world())
            _require_same(bank, name, outcome, accepted)
            counted[outcome.state] += 1
            counted["rows landed"] += outcome.rows - outcome.rejected
            counted["rows set aside"] += outcome.rejected
        _require_attempts_once(bank)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{FILES} files: {dict(counted)}; {grown / 1024:.0f} MB more at the peak")  # noqa: T201
    assert grown < 200_000
    assert counted["loaded"] > FILES / 5
    assert counted["refused"] > FILES / 5
    assert counted["rows set aside"] > FILES / 20


def _require_same(warehouse: Warehouse, name: str, outcome: FileOutcome, accepted: Accepted | None) -> None:
    if outcome.state == "seen_before":
        return
    assert (outcome.state == "loaded") == (accepted is not None), f"{name!r}: {outcome}, the reference: {accepted}"
    if accepted is None or accepted.good is None:
        return
    assert outcome.kind == accepted.kind, name
    landed = _landed(warehouse, outcome)
    wrong = {line: values for line, values in landed.items() if accepted.good.get(line) != values}
    assert not wrong, f"{name!r}: lines {list(wrong)} landed, and may not, or with other values: {wrong}"
    # What may be loaded and was not came before: to the letter, or (set aside) with other content.
    missing = accepted.good.keys() - landed.keys()
    assert missing <= _repeated(warehouse, accepted, landed), f"{name!r}: lines {sorted(missing)} were not loaded"
    assert outcome.rows == accepted.rows, name
    assert outcome.rows - len(landed) - len(missing) <= outcome.rejected <= outcome.rows - len(landed), name


def _landed(warehouse: Warehouse, outcome: FileOutcome) -> dict[int, tuple[object, ...]]:
    table, columns = ("vendor_result", RESULTS) if outcome.kind == "results" else ("vendor_qa", REVIEWS)
    rows = query(
        warehouse,
        f"select landed._line_number, {', '.join(f'landed.{column}' for column in columns)}"
        f" from landing.{table} as landed"
        " inner join ops.vendor_file as file on landed._file_sha256 = file.sha256 where file.file_name = %s",
        outcome.file_name,
    )
    return {int(str(line)): tuple(_plain(value) for value in values) for line, *values in rows}


def _plain(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _repeated(warehouse: Warehouse, accepted: Accepted, landed: dict[int, tuple[object, ...]]) -> set[int]:
    """Lines of attempts or reviews that are landed from another line."""
    assert accepted.good is not None
    keys = 3 if accepted.kind == "results" else 6
    table, columns = ("vendor_result", RESULTS) if accepted.kind == "results" else ("vendor_qa", REVIEWS)
    known = {
        tuple(_plain(value) for value in values)
        for values in query(warehouse, f"select {', '.join(columns[:keys])} from landing.{table}")
    }
    return {line for line, values in accepted.good.items() if line not in landed and values[:keys] in known}


def _require_attempts_once(warehouse: Warehouse) -> None:
    assert not query(
        warehouse,
        "select 1 from landing.vendor_result group by batch_id, contact_ref, contact_point_ref, attempted_at"
        " having count(*) > 1",
    )


# Files that are made to fill the memory ----------------------------------------------------------------------------

MEGABYTES = 10
GREEDY = {
    "short rows": "HEADER + b'x\\n' * (SIZE // 2)",
    "wide rows": "HEADER + (b',' * 60_000 + b'\\n') * (SIZE // 60_000)",
    "one line": "HEADER + b'x' * SIZE",
    "one row of many lines": "HEADER + b'\"a\\n\",' * (SIZE // 5)",
    "an open quote": "HEADER + b'\"' + b'a,b\\n' * (SIZE // 4)",
    "empty lists": "b'{\"rejected\": [' + b'[],' * (SIZE // 3)",
    "depth": "b'[' * SIZE",
    "blanks": "b' ' * SIZE",
    "a header of names": "b'a,' * (SIZE // 2)",
}
# Not `ru_maxrss`, which begins with what the parent had.
READ = """
import pathlib, re
from arrears.delivery.inbound import FileRefused, Table, judged, read
from arrears.cli.vendor import _Answered, _terms

SIZE = {size} * 1_000_000
HEADER = b"contact_ref,attempted_at,disposition\\n"
terms = _terms("", _Answered())
for name, content in {shapes}:
    content = eval(content)
    try:
        document = read(content)
        print(name, "read", sum(1 for _ in judged(document, terms)))
    except FileRefused as refusal:
        print(name, "refused")
print(int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_no_shape_of_a_file_fills_the_memory() -> None:
    script = READ.format(size=MEGABYTES, shapes=list(GREEDY.items()))
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert [line.rsplit(" ", 1)[0] for line in told[:-1] if "refused" not in line] == ["wide rows read"]
    assert int(told[-1]) < 200, told

"""A played day: contacts move customers by the hidden chance and by nothing else; files are handed in as vendors do."""

import csv
import io
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from arrears.simulator import behaviour
from arrears.simulator.behaviour import Position, pays_by_itself, position
from arrears.simulator.book import Book
from arrears.simulator.day import Customer, Day, Facts
from arrears.simulator.hand_in import FAULTLESS, Misconduct, hand_in
from arrears.simulator.truth import CONVERTED, World
from arrears.simulator.vendor_work import Attempt, Played, Row
from arrears.simulator.vendors import RESULT_COLUMNS, Desk
from arrears.source.writer import ContractWriter

TODAY = date(2026, 3, 2)
WORLD = World(loans=1, start=date(2024, 1, 1), first_day=TODAY, seed=5, misconduct=FAULTLESS)
COLLECTORS = [f"K{number}" for number in range(6)]
AT = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


def customer(number: int, **changed: Any) -> Customer:
    values = (
        f"C{number}",
        "Name",
        f"N{number}",
        "CN",
        "北京",
        680,
        [f"+86{number}"],
        [f"{number} Road"],
        None,
        None,
        [],
    )
    return replace(Customer(*values), **changed)  # type: ignore[arg-type]


def behind(number: int, **changed: Any) -> Position:
    """A loan whose borrower will not pay by himself on the day of the test: it is far behind."""
    stand = Position(f"L{number}", f"C{number}", "CNY", "active", 1, 100_00, 100_00, TODAY, 0, 900_00, 800_00)
    return replace(stand, **changed)


def facts_of(customers: int, **changed: Any) -> Facts:
    people = {f"C{number}": customer(number) for number in range(customers)}
    stands = {f"L{number}": behind(number, **changed) for number in range(customers)}
    return Facts(people, stands, {f"C{number}": [f"L{number}"] for number in range(customers)}, {}, [], [], set())


class StubDesk:
    """A vendor that has worked one list."""

    vendor = "demo_call"

    def __init__(self, attempts: list[Attempt], columns: Mapping[str, str]) -> None:
        self.attempts = attempts
        self.rows: dict[str, Row] = {
            attempt.contact_ref: {"phone": f"+86{attempt.contact_ref[1:]}", **columns} for attempt in attempts
        }

    def work_of(self, as_of: date) -> Iterator[tuple[dict[str, Any], Mapping[str, Row], Played]]:
        manifest = {"batch_id": "phone-demo_call-20260302-01", "channel": "phone", "as_of": as_of.isoformat()}
        yield manifest, self.rows, Played({"rows": len(self.rows)}, tuple(self.attempts))

    def parts(self, manifest: dict[str, Any], attempts: list[Attempt]) -> tuple[list[Attempt], list[Attempt]]:
        return attempts, []


def talk(number: int, disposition: str, collector: str, **changed: str) -> Attempt:
    row = dict.fromkeys(RESULT_COLUMNS, "") | {
        "contact_ref": f"R{number}",
        "contact_point_ref": "phone",
        "attempted_at": AT.isoformat(),
        "disposition": disposition,
        "collector_id": collector,
        "currency": "CNY",
        "talk_seconds": "60",
    }
    return Attempt(AT, f"R{number}", row | changed)


def played(
    facts: Facts, attempts: list[Attempt], tmp_path: Path, *, events: Any = (), world: World = WORLD, **columns: str
) -> Day:
    """The day after it was played on a list of the customers with these attempts; `columns` are those of its rows."""
    with ContractWriter(tmp_path / f"{world.seed}-{len(attempts)}") as writer:
        day = Day(world, TODAY, facts, Book(writer, ZoneInfo("Asia/Shanghai")))
        day.play(list(events), [cast(Desk, StubDesk(attempts, columns))])
    return day


@pytest.fixture
def nobody_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happens by itself: what comes of a day comes of its contacts."""
    monkeypatch.setattr(behaviour, "RESUMES", (0.0,))
    monkeypatch.setattr(behaviour, "MOVES", 0.0)
    monkeypatch.setattr(behaviour, "DIES", 0.0)
    monkeypatch.setattr(behaviour, "COMPLAINS", 0.0)


def reported(day: Day) -> list[dict[str, str]]:
    texts = [file["text"] for file in day.handed_in if ".results-" in file["name"]]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.usefixtures("nobody_pays")
def test_contact_moves_as_many_customers_as_the_skill_of_who_spoke_says(tmp_path: Path) -> None:
    attempts = [talk(number, "right_party_no_promise", COLLECTORS[number % 6]) for number in range(3_000)]
    day = played(facts_of(6_000), attempts, tmp_path)

    moved = Counter(event["because"]["collector"] for event in day.to_come if event["what"] == "pay")
    for collector in COLLECTORS:
        chance = CONVERTED["phone"]["right_party_no_promise"] * WORLD.truth.skill(collector)
        assert abs(moved[collector] - 500 * chance) < 4 * math.sqrt(500 * chance)
    touched = {f"L{number}" for number in range(3_000)}
    assert {event["loan"] for event in day.to_come if event["what"] == "pay"} <= touched
    assert max(moved.values()) > 1.5 * min(moved.values()), "the skills of this seed differ"


@pytest.mark.usefixtures("nobody_pays")
def test_promise_that_moved_its_customer_is_paid_in_time_and_the_others_are_broken(tmp_path: Path) -> None:
    promise = {"promise_amount": "40.00", "promise_on": "2026-03-09"}
    attempts = [talk(number, "promise_to_pay", "K0", **promise) for number in range(500)]
    day = played(facts_of(500), attempts, tmp_path)

    payments = [event for event in day.to_come if event["what"] == "pay"]
    assert 0 < len(payments) < 400
    assert {event["cents"] for event in payments} == {40_00}
    assert {"2026-03-03"} <= {event["on"] for event in payments}
    assert all("2026-03-02" < event["on"] <= "2026-03-09" for event in payments)

    events = [event | {"on": TODAY.isoformat()} for event in payments]
    later = played(facts_of(500), [], tmp_path, events=events)
    assert {because["collector"] for because in later.because.values()} == {"K0"}
    assert len(later.because) == len(payments)


@pytest.mark.usefixtures("nobody_pays")
def test_nobody_pays_more_than_is_left_nor_after_he_paid_or_died(tmp_path: Path) -> None:
    facts = facts_of(3, left=30_00)
    facts.stands["L1"] = behind(1, unpaid=0, overdue=0)
    facts.customers["C2"] = customer(2, flags=["deceased"])
    pay = {"on": TODAY.isoformat(), "what": "pay", "because": {}}
    day = played(facts, [], tmp_path, events=[pay | {"loan": f"L{number}"} for number in range(4)])

    assert list(day.because) == ["T-L0-20260302-1"]
    row = (tmp_path / "5-0" / "loan_transactions.csv").read_text().splitlines()[1]
    assert ",30.00," in row


@pytest.mark.usefixtures("nobody_pays")
def test_dead_line_and_dead_customer_answer_as_such_and_are_not_moved(tmp_path: Path) -> None:
    events = [
        {"on": "2026-03-20", "what": "number", "customer": "C0"},
        {"on": "2026-03-20", "what": "flag", "customer": "C1", "flag": "deceased"},
    ]
    promise = {"promise_amount": "40.00", "promise_on": "2026-03-09", "recording_ref": "x"}
    attempts = [talk(number, "promise_to_pay", "K0", **promise) for number in range(3)]
    day = played(facts_of(3), attempts, tmp_path, events=events)

    rows = {row["contact_ref"]: row for row in reported(day)}
    assert [rows[f"R{n}"]["disposition"] for n in range(3)] == ["invalid_number", "deceased", "promise_to_pay"]
    assert rows["R0"]["promise_amount"] == rows["R1"]["recording_ref"] == ""
    assert {event["loan"] for event in day.to_come if event["what"] == "pay"} <= {"L2"}


def test_vendor_that_calls_too_late_says_so(tmp_path: Path) -> None:
    attempts = [talk(number, "no_answer", "K0") for number in range(3)]
    for share, hour in ((0.0, "10:00"), (1.0, "20:20")):
        world = replace(WORLD, misconduct=replace(FAULTLESS, outside_hours=share), seed=round(share))
        day = played(facts_of(3), attempts, tmp_path, world=world, call_before="2026-03-02T20:00:00+08:00")
        assert {row["attempted_at"] for row in reported(day)} == {f"2026-03-02T{hour}:00+08:00"}


def test_large_cases_are_dealt_to_the_last_of_a_team_blind_to_skill() -> None:
    dealt: dict[bool, list[int]] = defaultdict(list)
    for number in range(400):
        dealt[number % 2 == 0].append(WORLD.truth.dealt_to(f"C{number}", 0.9 if number % 2 else 0.1, 10))

    assert min(dealt[False]) >= 5
    assert max(dealt[True]) <= 5
    assert {number for numbers in dealt.values() for number in numbers} <= {*range(1, 11)}


def test_skill_is_that_of_a_seed_and_1_on_average() -> None:
    skills = [WORLD.truth.skill(f"K{number}") for number in range(2_000)]
    assert sum(skills) / len(skills) == pytest.approx(1, abs=0.03)
    assert WORLD.truth.skill("K1") != replace(WORLD, seed=6).truth.skill("K1")


# Files ----------------------------------------------------------------------------------------------------------------

ROWS: list[Row] = [dict.fromkeys(RESULT_COLUMNS, "") | {"contact_ref": f"R{number}"} for number in range(9)]
STEM = "phone-demo_call-20260302-01.results-1"


def handed_in(misconduct: Misconduct, times: int = 1) -> list[list[tuple[int, str, bytes]]]:
    return [
        [(file.days, file.name, file.content) for file in hand_in(STEM, RESULT_COLUMNS, ROWS, misconduct, Random(n))]
        for n in range(times)
    ]


def references(content: bytes) -> list[str]:
    return [row["contact_ref"] for row in csv.DictReader(io.StringIO(content.decode()))]


def test_faultless_vendor_hands_in_one_whole_file_in_time() -> None:
    [[(days, name, content)]] = handed_in(FAULTLESS)
    assert (days, name, references(content)) == (0, f"{STEM}.csv", [row["contact_ref"] for row in ROWS])


@pytest.mark.parametrize("kind", ["late", "partial", "repeated", "damaged"])
def test_misbehaving_vendor_has_reported_everything_within_days(kind: str) -> None:
    for files in handed_in(replace(FAULTLESS, **{kind: 1.0}), times=20):
        readable = [content for _, _, content in files if b"contact_ref," in content and b"\n" in content]
        told = {reference for content in readable for reference in references(content)}
        assert told == {row["contact_ref"] for row in ROWS}
        assert max(days for days, _, _ in files) in range(1, 5)
        assert len(files) == (1 if kind == "late" else 2)
        assert (len(readable) == 1) == (kind in ("late", "damaged"))
        assert (files[0][2] == files[-1][2]) == (kind in ("late", "repeated"))


def test_vendors_misbehave_at_the_set_rates() -> None:
    files = handed_in(Misconduct(late=0.1, partial=0.2, repeated=0.1, damaged=0.1), times=2_000)
    assert sum(each[0][0] > 0 for each in files) == pytest.approx(200, abs=50)
    assert sum(len(each) == 2 for each in files) == pytest.approx(800, abs=90)


# Loans ----------------------------------------------------------------------------------------------------------------

INSTALMENTS = [(TODAY - timedelta(days=60), 100_00, 90_00), (TODAY - timedelta(days=30), 100_00, 90_00)]
INSTALMENTS += [(TODAY, 100_00, 90_00), (TODAY + timedelta(days=30), 100_00, 90_00)]
LOAN = ("L", "C", "CNY", "active")


@pytest.mark.parametrize(
    ("paid", "unpaid", "overdue", "oldest", "due_today"),
    [
        (0, 2, 200_00, 100_00, 100_00),
        (99_99, 2, 100_01, 1, 100_00),
        (100_00, 1, 100_00, 100_00, 100_00),
        (200_00, 0, 0, 0, 100_00),
        (250_00, 0, 0, 0, 50_00),
        (399_99, 0, 0, 0, 0),
    ],
)
def test_loan_stands_where_its_money_says(paid: int, unpaid: int, overdue: int, oldest: int, due_today: int) -> None:
    stand = position(LOAN, INSTALMENTS, paid, TODAY)
    assert stand
    assert (stand.unpaid, stand.overdue, stand.oldest, stand.due_today) == (unpaid, overdue, oldest, due_today)
    assert stand.left == 400_00 - paid


def test_loan_that_is_paid_stands_nowhere() -> None:
    assert position(LOAN, INSTALMENTS, 400_00, TODAY) is None


def test_borrowers_pay_by_themselves_at_the_assumed_rates() -> None:
    chance = Random(1)
    on_time = behind(0, unpaid=0, overdue=0, oldest=0, oldest_due_on=None, due_today=100_00)
    slipped = sum(pays_by_itself(on_time, 1.0, chance) == 0 for _ in range(4_000))
    assert slipped == pytest.approx(4_000 * behaviour.SLIPS, rel=0.2)
    resumed = [pays_by_itself(behind(0, unpaid=2, overdue=200_00), 1.0, chance) for _ in range(20_000)]
    amounts = [cents for cents in resumed if cents]
    assert len(amounts) == pytest.approx(20_000 * behaviour.RESUMES[2], rel=0.15)
    assert Counter(amounts)[200_00] / len(amounts) == pytest.approx(behaviour.PAYS_ALL, abs=0.07)

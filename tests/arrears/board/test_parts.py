"""What the board reads of a day, on PostgreSQL, as the role that sees no personal data."""

from collections.abc import Iterator
from datetime import date, timedelta

import psycopg2
import pytest
from board_day import NOW, decide, fill, undecide
from delivery_day import AS_OF, Day

from arrears.board import parts
from arrears.board.notices import Notice, Urgency, notices
from arrears.board.parts import known_days, read_day, read_part, reader
from arrears.board.runs import DagState

pytestmark = pytest.mark.postgres


@pytest.fixture
def filled(day: Day) -> Iterator[Day]:
    fill(day)
    decide(day)
    yield day
    undecide(day)


def read(day: Day, as_of: date = AS_OF) -> parts.Day:
    with reader(day.settings) as connection:
        return read_day(connection, as_of, now=NOW, settings=day.settings)


def test_a_load_that_brought_nothing_is_left_out_and_rows_add_up(filled: Day) -> None:
    (load,) = read(filled).loads.rows

    assert (load["state"], load["landed_rows"], load["rejected_rows"]) == ("passed", 180, 3)


def test_gates_are_counted_by_border_and_what_they_do(filled: Day) -> None:
    counts = ("rules", "stopping", "rejecting", "warning")
    counted = {row["border"]: tuple(row[name] for name in counts) for row in read(filled).gates.rows}

    assert counted == {"landing": (3, 0, 2, 0), "marts": (1, 1, 0, 0), "contact_list": (1, 0, 0, 1)}


def test_a_rule_that_is_red_twice_is_shown_once_by_its_newest_result_and_what_stops_comes_first(filled: Day) -> None:
    rules = [(row["rule_id"], row["found"], row["times"]) for row in read(filled).red_rules.rows]

    assert rules == [
        ("one_row_per_key", "found by load 1", 1),
        ("amount_not_positive", "found by load 2", 2),
        ("phone", "found by load 1", 1),
    ]


def test_lists_have_what_their_vendors_said_and_sent(filled: Day) -> None:
    lists = {row["vendor"]: row for row in read(filled).batches.of(kind="contact_list")}

    assert lists["demo_sms"]["taken"] == "49 of 50 rows taken"
    assert lists["demo_sms"]["results"] == 37  # of forty rows one was rejected and two were there already
    assert lists["demo_call"]["results"] is None
    assert {vendor for vendor, row in lists.items() if row["is_late"]} == {"demo_call"}


def test_a_stop_file_is_late_only_where_the_vendor_acknowledges_such_files(
    filled: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.run("update ops.delivery_batch set kind = 'stop' where vendor = 'demo_call'")
    assert read(filled).batches.of(kind="stop")[0]["is_late"]
    monkeypatch.setattr(parts, "_acknowledge_stop", list)
    assert not read(filled).batches.of(kind="stop")[0]["is_late"]


def test_reasons_are_counted_by_channel_with_their_text_and_contacts_are_none(filled: Day) -> None:
    rows = [(row["code"], row["total"], row["sms"], row["phone"], row["legal"]) for row in read(filled).held_back.rows]

    assert rows == [("PROMISE_OPEN", 5, 3, 2, 0), ("NOT_THIS_TIER", 1, 0, 1, 0), ("OF_OLD", 1, 0, 0, 1)]
    assert [row["text"] for row in read(filled).held_back.rows][1:] == [
        "The treatment of the tier does not use the channel",
        "A reason that the policy packs no longer explain",
    ]


def test_reasons_of_a_day_that_was_not_summed_up_are_those_of_the_ledger(day: Day) -> None:
    decide(day)
    summed_up = read(day).held_back
    undecide(day)
    decide(day, is_summed_up=False)
    try:
        assert read(day).held_back == summed_up
    finally:
        undecide(day)


def test_open_alerts_are_shown_the_gravest_first_and_counted_once(filled: Day) -> None:
    for code, severity, closed in (("a", "warning", None), ("b", "critical", None), ("c", "critical", NOW)):
        times = {"opened_at": NOW, "last_seen_at": NOW, "closed_at": closed}
        values = {"subject": "sms", "summary": f"What {code} is", "run_book": f"docs/{code}.md", "raised_by": "watch"}
        filled.insert("ops.alert", code=code, severity=severity, **values, **times)

    found = read(filled)

    assert [row["code"] for row in found.alerts.rows] == ["b", "a"]
    assert Notice(
        Urgency.NOW,
        "Open alerts: 2",
        "Each says what it means for customers, and its page of the run-book what to do.",
        "#alerts",
    ) in notices(found, [])


def test_a_contact_that_was_not_to_be_is_told(filled: Day) -> None:
    filled.run("update ops.quality_results set rule_id = 'result_attempt_in_window' where rule_id = 'phone'")

    assert "Vendors report contacts outside the hours" in [notice.what for notice in notices(read(filled), [])]


def test_another_day_has_nothing_of_this_one(filled: Day) -> None:
    other = read(filled, AS_OF + timedelta(days=1))

    assert [name for name, part in vars(other).items() if part.rows] == ["outages"]  # of now, whatever the day


def test_days_are_those_of_the_newest_source(filled: Day) -> None:
    filled.insert("ops.load_batch", generation=1, as_of=AS_OF - timedelta(days=3), state="aborted")
    with reader(filled.settings) as connection:
        assert known_days(connection) == [AS_OF, AS_OF - timedelta(days=3)]
    filled.insert("ops.source_generation", generation=2, mode="static", description="another")
    with reader(filled.settings) as connection:
        assert known_days(connection) == []


def test_what_is_wrong_comes_in_the_order_of_its_urgency(filled: Day) -> None:
    dags = [
        DagState("build_marts", "failed", "run", tasks={"failed": ["check"]}),
        DagState("dispatch_contact_lists", "running", "run", tasks={"awaiting_input": ["first_approval"]}),
        DagState("enforce_retention"),
    ]

    found = notices(read(filled), dags)

    assert [(notice.urgency, notice.what) for notice in found] == [
        (Urgency.NOW, "build_marts failed at check"),
        (Urgency.NOW, "dispatch_contact_lists waits for an answer: first_approval"),
        (Urgency.NOW, "marts gate: fct_contact_decision.one_row_per_key is red"),
        (Urgency.NOW, "contact_list-demo_call-20200415-01 is not acknowledged"),
        (Urgency.NOW, "contact_list-demo_visit-20200415-01 was refused"),
        (Urgency.NOW, "contact_list-demo_law-20200415-01 expired"),
        (Urgency.NOW, "demo_law cannot be reached"),
        (Urgency.TODAY, "Rejected rows of core banking: 3"),
        (Urgency.TODAY, "Refused files of vendors: 1"),
    ]
    assert found[0].link == "dags/build_marts/runs/run"


def test_a_quiet_day_needs_nobody(day: Day) -> None:
    decide(day)
    try:
        assert notices(read(day), [DagState("build_marts", "success", "run")]) == []
    finally:
        undecide(day)


def test_a_part_that_is_not_there_takes_no_other_with_it(day: Day) -> None:
    fill(day)

    found = read(day)

    assert found.held_back.problem == "Not there yet: it comes with the first build of the marts."
    assert found.batches.rows and found.red_rules.rows and found.retention.problem is None
    assert Notice(
        Urgency.TODAY,
        "Not read: held back",
        "What is below may be less than there is: each part says what is wrong.",
        "#steps",
    ) in notices(found, [])


def test_a_part_that_takes_too_long_is_given_up(filled: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = {"gates": "select pg_sleep(60)", "loads": "select 1 as one"}
    monkeypatch.setattr(parts, "statement", queries.get)
    monkeypatch.setattr(parts, "PATIENCE", timedelta(milliseconds=200))
    with reader(filled.settings) as connection:
        slow, next_one = (read_part(connection, name, {}) for name in ("gates", "loads"))

    assert slow.problem is not None and "took longer" in slow.problem
    assert next_one.rows == ({"one": 1},)


def test_the_reader_of_the_board_can_neither_change_anything_nor_see_a_person(filled: Day) -> None:
    for query in ("select full_name from landing.customers", "select customer_id from ops.delivery_item"):
        with reader(filled.settings) as connection, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            connection.cursor().execute(query)
    with reader(filled.settings) as connection, pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        connection.cursor().execute("create temporary table mine as select 1 as one")

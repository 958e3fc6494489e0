"""An alert is told once to each destination, again while it lasts, and when it is over; whatever a destination does."""

from datetime import UTC, date, datetime, timedelta

import psycopg2.extensions
import pytest
from delivery_day import Day
from receivers import Hook, Mailbox

from arrears.alerts.ledger import WATCH, Finding, close_task, close_unseen, raise_alerts
from arrears.alerts.send import send_waiting, tell_unrecorded
from arrears.settings import Settings

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CIRCUIT = Finding("circuit_open", "demo_sms", "demo_sms failed 3 times")


class Desk:
    """Whoever raises and sends."""

    def __init__(self, warehouse: psycopg2.extensions.connection, settings: Settings) -> None:
        self.warehouse, self.settings = warehouse, settings

    def look(self, *findings: Finding, at: datetime = NOW) -> None:
        """One look of the watch at circuits, and what follows from it."""
        raise_alerts(self.warehouse, findings, raised_by=WATCH, now=at, settings=self.settings)
        close_unseen(self.warehouse, findings, codes=["circuit_open"], now=at)
        send_waiting(self.warehouse, now=at, settings=self.settings)

    def query(self, statement: str) -> list[tuple[object, ...]]:
        with self.warehouse, self.warehouse.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


@pytest.fixture
def desk(day: Day, settings: Settings) -> Desk:
    return Desk(day.warehouse, settings)


def test_each_destination_is_told_what_happened_what_it_means_and_what_to_do(
    desk: Desk, mail: Mailbox, hook: Hook
) -> None:
    desk.look(CIRCUIT)

    page = "https://run.bank.example/book/alerts/circuit_open.md"
    assert mail.titles == ["[Arrears critical] A vendor's server fails repeatedly: demo_sms"]
    assert mail.mails[0]["To"] == "night@bank.example, day@bank.example"
    assert mail.mails[0]["From"] == "arrears@bank.example"
    for said in ("demo_sms failed 3 times", "since 2026-03-02 11:00", "not contacted", "Call the vendor", page):
        assert said in mail.bodies[0]
    assert hook.authorizations == ["Bearer let-me-in"]
    assert hook.posts[0]["code"] == "circuit_open"
    assert hook.posts[0]["occasion"] == "opened"
    assert hook.posts[0]["run_book"] == page
    assert "demo_sms failed 3 times" in hook.posts[0]["text"]
    assert desk.query("select code, subject, severity, last_sent_at, run_book from ops.alert") == [
        ("circuit_open", "demo_sms", "critical", NOW, page)
    ]


def test_what_lasts_is_one_alert_and_is_told_again_only_after_the_interval(desk: Desk, hook: Hook) -> None:
    for minutes in range(0, 300, 5):
        desk.look(CIRCUIT, at=NOW + minutes * MINUTE)

    assert [post["occasion"] for post in hook.posts] == ["opened", "repeated"]
    assert desk.query("select opened_at, last_seen_at, last_sent_at from ops.alert") == [
        (NOW, NOW + 295 * MINUTE, NOW + 240 * MINUTE)
    ]


def test_what_is_over_is_closed_and_told_once(desk: Desk, hook: Hook, mail: Mailbox) -> None:
    desk.look(CIRCUIT)
    desk.look(at=NOW + 5 * MINUTE)
    desk.look(at=NOW + 10 * MINUTE)

    assert [post["occasion"] for post in hook.posts] == ["opened", "closed"]
    assert mail.titles[1] == "[Arrears critical] over: A vendor's server fails repeatedly: demo_sms"
    assert desk.query("select closed_at from ops.alert") == [(NOW + 5 * MINUTE,)]


def test_two_subjects_are_two_alerts(desk: Desk, hook: Hook) -> None:
    other = Finding("circuit_open", "demo_call", "demo_call failed 3 times")
    desk.look(CIRCUIT, other)
    desk.look(other, at=NOW + 5 * MINUTE)

    assert [(post["subject"], post["occasion"]) for post in hook.posts] == [
        ("demo_sms", "opened"),
        ("demo_call", "opened"),
        ("demo_sms", "closed"),
    ]


def test_what_comes_and_goes_is_one_alert_and_no_storm(desk: Desk, hook: Hook) -> None:
    """Ten minutes there, five minutes gone, for an hour: nobody is woken by every turn."""
    for minutes in range(0, 60, 5):
        findings = [] if minutes % 15 == 10 else [CIRCUIT]
        desk.look(*findings, at=NOW + minutes * MINUTE)

    assert desk.query("select count(*) from ops.alert") == [(1,)]
    assert len(hook.posts) <= 6
    told = [datetime.fromisoformat(post["opened_at"]) for post in hook.posts]
    assert set(told) == {NOW}


def test_what_comes_back_much_later_is_a_new_alert(desk: Desk, hook: Hook) -> None:
    desk.look(CIRCUIT)
    desk.look(at=NOW + 5 * MINUTE)
    desk.look(CIRCUIT, at=NOW + 60 * MINUTE)

    assert [post["occasion"] for post in hook.posts] == ["opened", "closed", "opened"]
    assert len({post["alert_id"] for post in hook.posts}) == 2


def test_a_destination_that_fails_keeps_no_other_from_being_told_and_is_told_later(
    desk: Desk, mail: Mailbox, hook: Hook
) -> None:
    mail.refuses = True
    desk.look(CIRCUIT)

    assert len(hook.posts) == 1
    assert mail.mails == []
    assert desk.query("select state, tries, last_error from ops.alert_message where destination = 'mail'") == [
        ("waiting", 1, "SMTPDataError")
    ]

    desk.look(CIRCUIT, at=NOW + 300 * MINUTE)
    mail.refuses = False
    desk.look(CIRCUIT, at=NOW + 305 * MINUTE)
    assert len(mail.titles) == 1
    assert [post["occasion"] for post in hook.posts] == ["opened", "repeated"]


def test_what_is_over_before_it_could_be_told_is_not_told(desk: Desk, hook: Hook) -> None:
    hook.refuses = True
    desk.look(CIRCUIT)
    hook.refuses = False
    desk.look(at=NOW + 5 * MINUTE)

    assert hook.posts == []
    assert desk.query("select occasion, state from ops.alert_message where destination = 'web_hook'") == [
        ("opened", "dropped")
    ]


def test_a_web_hook_that_is_gone_costs_one_try_however_much_waits(
    desk: Desk, hook: Hook, mail: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.refuses = True
    desk.look(CIRCUIT, Finding("circuit_open", "demo_call", "too"))

    assert len(mail.mails) == 2
    assert desk.query("select sum(tries) from ops.alert_message where destination = 'web_hook'") == [(1,)]


def test_a_task_that_went_through_ends_its_alerts_of_this_day_and_earlier_ones(desk: Desk) -> None:
    monday, tuesday = date(2026, 3, 2), date(2026, 3, 3)
    for task, day in (("load_core_banking.load", tuesday), ("build_marts.build", monday)):
        finding = Finding("dag_failed", task, "failed", day)
        raise_alerts(desk.warehouse, [finding], raised_by=task, now=NOW, settings=desk.settings)

    def closed() -> int:
        return close_task(desk.warehouse, task="load_core_banking.load", as_of=day, now=NOW)

    day = monday
    assert closed() == 0
    day = tuesday
    assert closed() == 1
    assert desk.query("select subject from ops.alert where closed_at is null") == [("build_marts.build",)]


def test_a_failure_that_did_not_come_again_for_a_day_is_over(desk: Desk) -> None:
    finding = Finding("dag_failed", "build_marts.build", "failed")
    raise_alerts(desk.warehouse, [finding], raised_by="build_marts.build", now=NOW, settings=desk.settings)

    assert close_unseen(desk.warehouse, [], codes=["circuit_open"], now=NOW + timedelta(hours=24)) == 0
    assert close_unseen(desk.warehouse, [], codes=["circuit_open"], now=NOW + timedelta(hours=25)) == 1


def test_what_was_not_looked_for_is_not_closed(desk: Desk) -> None:
    desk.look(Finding("policy_ending", "contact_limits CN", "ends"))
    desk.look(at=NOW + 5 * MINUTE)

    assert desk.query("select closed_at from ops.alert") == [(None,)]


def test_without_a_warehouse_it_is_told_all_the_same_and_not_by_every_task(
    settings: Settings, mail: Mailbox, hook: Hook
) -> None:
    def tell(at: datetime) -> bool:
        return tell_unrecorded("load_core_banking.load failed: OperationalError", now=at, settings=settings)

    assert [tell(NOW), tell(NOW + MINUTE), tell(NOW + 241 * MINUTE)] == [True, False, True]
    assert len(mail.mails) == len(hook.posts) == 2
    assert hook.posts[0]["code"] == "warehouse_unreachable"
    assert "load_core_banking.load failed" in mail.bodies[0]

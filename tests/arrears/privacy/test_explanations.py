"""`arrears explain`: what it says follows the ledger, in a time that does not depend on the portfolio."""

import csv
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import date, timedelta

import psycopg2
import pytest
from decision_cases import build_cases
from decision_world import AS_OF, World
from markupsafe import escape
from marts_warehouse import Warehouse
from rich.console import Console

from arrears.board.pages import render as page_of
from arrears.cli.explain import render
from arrears.explain import (
    WHAT_WOULD_CHANGE,
    ExplainError,
    Explanation,
    Outcome,
    as_json,
    explain,
    statement,
)
from arrears.explain import _Pack as Pack
from arrears.settings import PROJECT_ROOT

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
SMALL = {"mart_build", "jurisdiction_time_zones", "channels", "dispositions", "known_flags", "source_generation"} | {
    f"contact_{name}" for name in ("rules", "limits", "windows")
}
SMALL |= {
    "treatments",
    "suppression_reasons",
    "stg_ops__passed_batches",
    "sealed_day",
    "delivery_batch",
    "risk_features",
}
"""Tables that do not grow with the portfolio."""


def ask(decided: Warehouse, customer_id: str, as_of: date = AS_OF) -> Explanation:
    return explain(decided.connection, customer_id=customer_id, as_of=as_of, settings=decided.settings)


def row_of(explanation: Explanation, channel: str) -> Outcome:
    (row,) = (row for row in explanation.outcomes if row.channel == channel)
    return row


def printed(explanation: Explanation) -> str:
    console = Console(width=300)
    with console.capture() as capture:
        for part in render(explanation):
            console.print(part)
    return capture.get()


@contextmanager
def steward(decided: Warehouse, *jurisdictions: str) -> Iterator[psycopg2.extensions.connection]:
    """A connection of `data_steward`, who may see these jurisdictions."""
    decided.execute("delete from ops.steward_jurisdiction")
    for jurisdiction in jurisdictions:
        decided.execute("insert into ops.steward_jurisdiction values ('data_steward', %s)", jurisdiction)
    with closing(psycopg2.connect(decided.settings.dsn("warehouse", "data_steward"))) as connection:
        yield connection


def test_every_outcome_is_that_of_the_ledger(decided: Warehouse) -> None:
    ledger = decided.rows(
        "select customer_id, channel, decision, all_reasons from marts.fct_contact_decision where as_of = %s", AS_OF
    )
    for customer_id in ("paused", "promise_due", "week_7", "m1_8", "texted_thrice"):
        rows = ask(decided, customer_id).outcomes
        said = {(row.channel, row.decision, tuple(reason.code for reason in row.reasons)) for row in rows}
        assert said == {
            (row["channel"], row["decision"], tuple(row["all_reasons"]))
            for row in ledger
            if row["customer_id"] == customer_id
        }
        assert len(said) == 5


def test_each_reason_has_a_rule_with_its_source_and_says_what_would_change_it(decided: Warehouse) -> None:
    for customer_id in {customer_id for customer_id, *_ in build_cases(World())}:
        for row in ask(decided, customer_id).outcomes:
            for reason in row.reasons:
                assert reason.code in WHAT_WOULD_CHANGE, reason.code
                assert reason.rules and all(rule.source and rule.confidence for rule in reason.rules), reason.code


def test_every_reason_of_the_seed_says_what_would_change_it() -> None:
    with (PROJECT_ROOT / "dbt_project/seeds/policy/suppression_reasons.csv").open(newline="") as file:
        assert {row["reason_code"] for row in csv.DictReader(file)} == set(WHAT_WOULD_CHANGE)


@pytest.mark.parametrize(
    ("customer_id", "channel", "is_full"),
    [
        ("answered_3", "phone", True),
        ("answered_2", "phone", False),
        ("week_7", "phone", True),
        ("week_6", "phone", False),
        ("week_over", "phone", False),
        ("other_loan", "phone", False),
        ("planned", "phone", True),
        ("lapsed", "phone", False),
        ("reported", "phone", False),
        ("refused_list", "phone", False),
        ("texted_today", "sms", True),
        ("texted_thrice", "sms", True),
        ("texted_twice", "sms", False),
    ],
)
def test_a_limit_is_full_when_the_ledger_says_so(
    decided: Warehouse, customer_id: str, channel: str, is_full: bool
) -> None:
    limits = [limit for limit in ask(decided, customer_id).limits if limit.channel == channel]

    assert limits
    assert any(limit.used >= limit.at_most for limit in limits) is is_full


def test_a_promise_and_a_pause_say_until_when_they_hold(decided: Warehouse) -> None:
    promise = next(r for r in row_of(ask(decided, "promise_due"), "phone").reasons if r.code == "PROMISE_OPEN")
    pause = next(r for r in row_of(ask(decided, "talked_6"), "phone").reasons if r.code == "CONVERSATION_PAUSE")
    plan = next(r for r in row_of(ask(decided, "paused"), "phone").reasons if r.code == "HARDSHIP_ACTIVE")

    assert promise.not_before == AS_OF + timedelta(days=2 + 3 + 1)
    assert pause.not_before == AS_OF - timedelta(days=6) + timedelta(days=7)
    assert plan.not_before == AS_OF + timedelta(days=10)


def test_windows_are_in_the_customers_time(decided: Warehouse) -> None:
    found = ask(decided, "somewhere")
    row = row_of(found, "phone")

    assert found.time_zone == "Asia/Tokyo"
    assert row.window_start is not None
    assert (row.window_start.hour, row.window_start.utcoffset()) == (8, timedelta(hours=9))
    assert "08:00" in printed(found)


def test_only_limits_that_are_full_are_cited(decided: Warehouse) -> None:
    reasons = {reason.code: reason for reason in row_of(ask(decided, "texted_thrice"), "sms").reasons}
    full = reasons["FREQUENCY_PERIOD"]

    assert [rule.text for rule in full.rules] == ["at most 3"]  # of ten by all channels three are used


def test_what_still_holds_is_shown_however_long_ago_it_was_said(decided: Warehouse) -> None:
    found = ask(decided, "disputed_long_ago")

    assert "DISPUTED" in {reason.code for reason in row_of(found, "phone").reasons}
    assert [contact["disposition"] for contact in found.contacts] == ["disputed"]


@pytest.mark.parametrize(
    ("customer_id", "is_held"),
    [("with_joint", True), ("owes_with_borrower", True), ("with_joint_in_cn", False), ("with_guarantor", False)],
)
def test_a_flag_of_who_owes_with_the_customer_is_shown_where_it_holds(
    decided: Warehouse, customer_id: str, is_held: bool
) -> None:
    found = ask(decided, customer_id)

    assert ("MORATORIUM" in {reason.code for reason in row_of(found, "phone").reasons}) is is_held
    shown = [row["what"] for row in found.circumstances if row["reason_code"] == "MORATORIUM"]
    assert shown == ["Under a breathing space or moratorium: said of somebody who owes with the customer"] * is_held


def test_holiday_rules_are_cited_on_holidays_only(decided: Warehouse) -> None:
    for customer_id, cited in (("holiday_visit", ["every day: 08:00–19:00", "holiday: closed"]), ("m2", None)):
        row = row_of(ask(decided, customer_id), "field_visit")
        assert [rule.text for rule in row.window_rules] == (cited or ["every day: 08:00–22:00"])


class Rows:
    """What the statements of one customer would find."""

    def rows(self, name: str, **_: object) -> list[dict[str, object]]:
        basis = {"kind": "hours", "source": "", "confidence": "", "valid_from": AS_OF, "valid_to": None}
        found = [(None, "every day"), ("phone", "sun"), ("phone", "holiday"), ("care", "sat"), ("sms", "sun")]
        return [basis | {"channel": channel, "subject": day, "detail": "x"} for channel, day in found] * (
            name == "rules"
        )


@pytest.mark.parametrize(
    ("is_holiday", "cited"), [(False, ["every day: x", "sun: x"]), (True, ["every day: x", "holiday: x"])]
)
def test_the_rules_of_a_medium_and_weekday_are_cited(is_holiday: bool, cited: list[str]) -> None:
    """A care call is closed by what closes telephone calls; a holiday's rows stand in place of its weekday's."""
    sunday = AS_OF + timedelta(days=4)
    pack = Pack(Rows(), [{"policy_id": "GB", "experiment": None}], sunday, is_holiday=is_holiday)  # type: ignore[arg-type]

    assert [rule.text for rule in pack.hours("care", "phone")] == cited


def test_the_board_shows_the_same_with_nothing_missing(decided: Warehouse) -> None:
    for customer_id in {customer_id for customer_id, *_ in build_cases(World())}:
        found = ask(decided, customer_id)
        places = {"board": "/arrears", "airflow": "", "may_look_up": True}
        page = page_of("customer.html", found=found, problem=None, customer_id=customer_id, day=AS_OF, **places)
        for outcome in found.outcomes:
            assert escape(outcome.changes_when) in page
            assert all(reason.code in page and escape(reason.text) in page for reason in outcome.reasons)
            if outcome.decision == "contact":
                assert outcome.contact_point and escape(outcome.contact_point.value) in page


def test_the_person_who_asked_is_written_down_where_one_is_named(decided: Warehouse) -> None:
    options = {"customer_id": "m2", "as_of": AS_OF, "settings": decided.settings}
    explain(decided.connection, asked_by="anna", purpose="board", **options)

    (look,) = decided.rows(
        "select person, purpose from ops.personal_data_access where customer_id = 'm2' order by access_id desc limit 1"
    )
    assert look == {"person": "anna", "purpose": "board"}


def test_values_are_masked_unless_the_role_may_see_them(decided: Warehouse) -> None:
    (point,) = decided.rows("select value from landing.contact_points where contact_point_id = 'm1_8-P1'")
    number = point["value"]
    assert number not in printed(ask(decided, "m1_8"))
    assert number not in json.dumps(asdict(ask(decided, "m1_8")), default=as_json)
    options = {"customer_id": "m1_8", "as_of": AS_OF, "settings": decided.settings}
    with steward(decided, "US") as connection:
        assert number not in printed(explain(decided.connection, steward=connection, **options))
    with steward(decided, "CN") as connection:
        assert number in printed(explain(decided.connection, steward=connection, **options))


def test_each_explanation_is_written_down(decided: Warehouse) -> None:
    asked = "select count(*) as n from ops.personal_data_access where customer_id = 'm2' and what = 'explanation'"
    before = decided.rows(asked)[0]["n"]
    ask(decided, "m2")

    assert decided.rows(asked)[0]["n"] == before + 1


def test_a_look_that_was_refused_is_written_down_too(decided: Warehouse) -> None:
    with steward(decided, "US") as connection:
        explain(decided.connection, customer_id="m2", as_of=AS_OF, settings=decided.settings, steward=connection)

    looks = decided.rows(
        "select role_name, is_granted from ops.personal_data_access"
        " where customer_id = 'm2' and what = 'contact points' order by access_id desc limit 1"
    )
    assert looks == [{"role_name": "data_steward", "is_granted": False}]


def test_who_is_out_of_scope_is_explained_without_a_decision(decided: Warehouse) -> None:
    found = ask(decided, "in_court")

    assert found.outcomes == ()
    assert "No decision on this day" in printed(found)


def test_an_unknown_customer_or_day_is_one_clear_error(decided: Warehouse) -> None:
    with pytest.raises(ExplainError, match="customer NOBODY: not known"):
        ask(decided, "NOBODY")
    with pytest.raises(ExplainError, match=f"found days from {AS_OF} to {AS_OF}"):
        ask(decided, "m2", AS_OF - timedelta(days=1))


def test_it_says_when_the_packs_are_not_those_of_the_day_any_more(decided: Warehouse) -> None:
    found = ask(decided, "m2")

    assert found.is_policy_of_the_day
    assert "packs were changed since" in printed(replace(found, is_policy_of_the_day=False))


@pytest.mark.parametrize(
    "name",
    ["day", "customer", "decisions", "loans", "circumstances", "contacts", "planned", "contact_points"],
)
def test_nothing_is_read_whole_that_grows_with_the_portfolio(decided: Warehouse, name: str) -> None:
    values = {
        "customer_id": "m2",
        "as_of": AS_OF,
        "zone": "Asia/Shanghai",
        "channels": ["sms"],
        "contact_point_ids": ["m2-P1"],
        "midnight": AS_OF,
        "since": AS_OF,
        "reporting_deadline_hours": 48,
        "policy_id": "CN",
    }
    with decided.connection, decided.connection.cursor() as cursor:
        # On a small bank reading everything is quicker; where there is no index, it is still the only way.
        cursor.execute("set local enable_seqscan = off")
        cursor.execute("explain (format json) " + statement(name), values)
        read_whole = set(_read_whole(cursor.fetchall()[0][0][0]["Plan"]))

    assert read_whole <= SMALL


def _read_whole(node: dict[str, object]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield str(node["Relation Name"])
    for below in node.get("Plans", []):  # type: ignore[attr-defined]
        yield from _read_whole(below)

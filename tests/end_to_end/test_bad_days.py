"""Days on which something is wrong, and what people are told: half a load, a column that is gone, a load that is late.

A system of its own, beside that of `test_a_day.py`, so that both run at once. The tests build on each other, in the
order of this file.
"""

import json
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from listeners import StatsdServer
from portfolio_files import write_worked_bank
from receivers import Hook, Mailbox
from running_system import System

from arrears.hooks.airflow_api import FINISHED

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.sftp, pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def first_bank(system: System) -> None:
    """A running system with the people of a bank that is replaced."""
    assert system.arrears("up").returncode == 0
    made = system.arrears(
        *("source", "simulate", "--loans", "200", "--seed", "7"),
        *("--from", "2025-10-01", "--to", "2025-12-31"),
    )
    assert made.returncode == 0, made.stderr
    run = system.arrears("run", "--as-of", "2025-12-31", "--until", "marts")
    assert run.returncode == 0, run.stdout + run.stderr


def test_another_bank_replaces_the_first(system: System, first_bank: None, tmp_path: Path) -> None:
    write_worked_bank(tmp_path)
    loaded = system.arrears("source", "load", str(tmp_path), "--replace")
    assert loaded.returncode == 0, loaded.stderr
    run = system.arrears("run", "--as-of", "2026-01-15", "--until", "marts")
    assert run.returncode == 0, run.stdout + run.stderr
    rows = system.query(
        "select loan_id, days_past_due, oldest_unpaid_due_date, arrears_amount, tier from marts.fct_loan_delinquency"
        " order by loan_id"
    )
    assert rows == [
        ("L-CENT", 5, date(2026, 1, 10), Decimal("0.01"), "M1"),
        ("L-NEVER", 5, date(2026, 1, 10), Decimal("100.00"), "M1"),
        ("L-PAID", 0, None, Decimal("0.00"), "current"),
    ]


def test_alerts_arrive_where_the_connections_say(
    system: System, first_bank: None, mail: Mailbox, hook: Hook, tmp_path: Path
) -> None:
    connections = tmp_path / "connections.json"
    connections.write_text(json.dumps({"smtp_default": mail.connection(), "on_call": hook.connection()}))
    added = system.arrears("airflow", "connections", "import", str(connections))
    assert added.returncode == 0, added.stderr[-2000:]

    tested = system.arrears("alerts", "--test")

    assert tested.returncode == 0, tested.stderr
    assert mail.titles.count("[Arrears warning] test: This is a test: test") == 1
    assert [post["occasion"] for post in hook.posts].count("test") == 1


def test_half_a_file_stops_the_day_before_the_marts(
    system: System, first_bank: None, statsd: StatsdServer, tmp_path: Path, mail: Mailbox, hook: Hook
) -> None:
    write_worked_bank(tmp_path, share_of_transactions=0.5)
    assert system.arrears("source", "load", str(tmp_path)).returncode == 0
    before = system.query("select max(build_id) from ops.mart_build")
    run = system.arrears("run", "--as-of", "2026-01-16", "--until", "marts")
    assert run.returncode == 1
    assert "load_core_banking: task check failed" in run.stderr
    assert "loan_transactions" in run.stderr
    assert statsd.total("airflow.arrears.gates_red") == {"border=landing": 1}
    assert ("load_core_banking.check", "FAIL") in {(e["job"]["name"], e["eventType"]) for e in system.lineage()}
    assert system.query("select max(build_id) from ops.mart_build") == before

    assert "[Arrears critical] A gate stopped bad data: load_core_banking.check" in mail.titles
    post = told(hook, "gate_failed", "load_core_banking.check")
    assert "failed for 2026-01-16" in post["summary"] and "loan_transactions" in post["summary"]
    assert f":{system.environment['ARREARS_AIRFLOW_PORT']}/dags/load_core_banking/runs/" in post["log"]
    listed = system.arrears("alerts")
    assert listed.returncode == 0, listed.stderr
    assert "gate_failed" in listed.stdout and "load_core_banking.check" in listed.stdout


def test_a_dropped_column_stops_the_load(system: System, first_bank: None, tmp_path: Path, hook: Hook) -> None:
    write_worked_bank(tmp_path)
    assert system.arrears("source", "load", str(tmp_path), "--replace").returncode == 0
    system.query("alter table core_banking.loans drop column day_count", "source")
    run = system.arrears("run", "--as-of", "2026-01-15", "--until", "landing")
    assert run.returncode == 1
    assert "loans" in run.stderr and "day_count" in run.stderr
    assert "core_banking.loans.day_count" in told(hook, "source_drift", "core_banking")["summary"]
    system.query("alter table core_banking.loans add column day_count text", "source")
    assert system.arrears("source", "load", str(tmp_path), "--replace").returncode == 0


def test_a_backfill_equals_days_run_one_by_one(system: System, first_bank: None, tmp_path: Path) -> None:
    """Two days by `airflow backfill`, then the same days by hand on the same source: the same marts."""
    write_worked_bank(tmp_path)
    first, last = date(2026, 2, 9), date(2026, 2, 10)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    marts = (
        "select as_of, tier, product, jurisdiction, currency, loans, arrears_amount"
        " from marts.delinquency_tier order by 1, 2, 3, 4, 5"
    )
    decisions = (
        "select as_of, customer_id, channel, currency, decision, reason_code, all_reasons, days_past_due"
        " from marts.fct_contact_decision order by 1, 2, 3, 4"
    )
    seen = []
    for way in ("backfill", "by hand"):
        assert system.arrears("source", "load", str(tmp_path), "--replace").returncode == 0
        if way == "backfill":
            created = system.arrears(
                *("airflow", "backfill", "create", "--dag-id", "load_core_banking", "--max-active-runs", "1"),
                *("--from-date", f"{first}T00:00:00+00:00", "--to-date", f"{last}T23:59:59+00:00"),
                *("--dag-run-conf", json.dumps({"until": "marts"})),
            )
            assert created.returncode == 0, created.stderr[-2000:]
            wait_for_builds(system, days)
        else:
            for day in days:
                run = system.arrears("run", "--as-of", str(day), "--until", "marts")
                assert run.returncode == 0, run.stdout + run.stderr
        seen.append((system.query(marts), system.query(decisions)))
    assert {row[0] for row in seen[0][0]} == set(days)
    assert seen[0] == seen[1]


def test_what_failed_and_went_through_later_is_over(system: System, first_bank: None, hook: Hook) -> None:
    """The days of the backfill are later ones, and were loaded and let pass."""
    over = {(post["code"], post["subject"]) for post in hook.posts if post["occasion"] == "closed"}
    assert over >= {("gate_failed", "load_core_banking.check"), ("source_drift", "core_banking")}


def test_a_load_that_does_not_begin_is_told_of_when_its_deadline_has_passed(
    system: System, first_bank: None, mail: Mailbox, hook: Hook
) -> None:
    """Airflow's scheduler notices it: a run that waits, since its DAG is paused."""
    assert system.arrears("airflow", "dags", "pause", "load_core_banking", "--yes").returncode == 0
    queued = system.arrears(
        *("airflow", "backfill", "create", "--dag-id", "load_core_banking"),
        *("--from-date", "2026-02-11T00:00:00+00:00", "--to-date", "2026-02-11T23:59:59+00:00"),
    )
    assert queued.returncode == 0, queued.stderr[-2000:]

    deadline = time.monotonic() + 180
    while not any(post["code"] == "landing_late" and post["subject"] == "2026-02-11" for post in hook.posts):
        assert time.monotonic() < deadline, "nobody was told"
        time.sleep(1)
    assert "of 2026-02-11 core banking is not loaded in time" in told(hook, "landing_late", "2026-02-11")["summary"]
    assert "[Arrears critical] The night's load is late: 2026-02-11" in mail.titles

    state, logs = system.run_dag("watch_and_alert", date(2026, 2, 11))
    assert state == "success", logs
    late = system.query("select code, subject from ops.alert where closed_at is null and code like '%late'")
    assert sorted(late) == [(code, "2026-02-11") for code in ("landing_late", "lists_late", "marts_late")]


def test_nothing_personal_in_alerts(system: System, first_bank: None, mail: Mailbox, hook: Hook) -> None:
    personal = system.query(
        """
        select customer_id from landing.customers
        union
        select full_name from landing.customers
        union
        select value from landing.contact_points
        """
    )
    needles = {value for (value,) in personal if value}
    assert len(needles) > 100
    said = [*mail.titles, *mail.bodies, json.dumps(hook.posts, ensure_ascii=False)]
    said.append(str(system.query("select * from ops.alert") + system.query("select * from ops.alert_message")))
    assert not [needle for needle in needles if any(needle in text for text in said)]


def test_down_leaves_no_process_behind(system: System, first_bank: None) -> None:
    assert len(system.processes()) > 5
    assert system.arrears("down").returncode == 0
    assert system.processes() == []
    assert system.arrears("status").returncode == 1
    assert system.arrears("down").returncode == 0


def told(hook: Hook, code: str, subject: str) -> dict[str, Any]:
    """The post that opened an alert: the only one that did."""
    opened = [post for post in hook.posts if post["occasion"] == "opened"]
    (post,) = [post for post in opened if (post["code"], post["subject"]) == (code, subject)]
    return post


def wait_for_builds(system: System, days: list[date]) -> None:
    """Until the marts of all days are built and nothing of their runs goes on, which another bank would disturb."""
    deadline = time.monotonic() + 600
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with system.airflow() as api:
        for day in days:
            while not {run.state for run in api.runs_since("build_marts", str(day), long_ago)} & FINISHED:
                assert time.monotonic() < deadline, "the backfill did not end"
                time.sleep(2)
    statement = (
        "select as_of from ops.mart_build where state = 'passed'"
        " and generation = (select max(generation) from ops.source_generation)"
    )
    assert {row[0] for row in system.query(statement)} == set(days)

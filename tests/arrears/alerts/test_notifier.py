"""What Airflow's callbacks do with a failure, a success and a deadline; and that they never fail themselves."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from delivery_day import Day
from ports import free_port
from receivers import Hook, Mailbox

from arrears.alerts.notifier import FailureNotifier, SuccessNotifier, tell_late
from arrears.errors import GateError
from arrears.settings import Settings

pytestmark = pytest.mark.postgres

PERSONAL = "customer C-4711, +8613800000001"


@pytest.fixture
def told(settings: Settings, day: Day, monkeypatch: pytest.MonkeyPatch) -> Day:
    """The warehouse as Airflow's connection names it."""
    connect(monkeypatch, settings, settings.postgres_port)
    return day


def connect(monkeypatch: pytest.MonkeyPatch, settings: Settings, port: int) -> None:
    connection = {
        "conn_type": "postgres",
        "host": settings.postgres_host,
        "port": port,
        "login": "pipeline",
        "password": settings.secret("postgres_pipeline"),
        "schema": settings.warehouse_database,
    }
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))


def context(
    task_id: str, as_of: str | None, error: object = None, map_index: int = -1, impact: str = "impact:high"
) -> Any:
    """What Airflow hands to a callback, as far as it is read."""
    ti = SimpleNamespace(dag_id="a_dag", task_id=task_id, map_index=map_index, log_url="http://airflow/log")
    dag = DAG("a_dag", schedule=None, tags=[impact])
    return {"ti": ti, "dag": dag, "dag_run": SimpleNamespace(partition_key=as_of), "exception": error}


def test_a_failure_opens_an_alert_and_success_of_the_same_task_closes_it(told: Day, hook: Hook) -> None:
    FailureNotifier()(context("check", "2026-03-02", GateError("rule x is red")))
    SuccessNotifier()(context("other", "2026-03-02"))
    SuccessNotifier()(context("check", "2026-03-01"))
    assert [post["occasion"] for post in hook.posts] == ["opened"]
    assert (hook.posts[0]["summary"], hook.posts[0]["log"]) == (
        "a_dag.check failed for 2026-03-02: rule x is red",
        "http://airflow/log",
    )

    SuccessNotifier()(context("check", "2026-03-02"))
    assert [post["occasion"] for post in hook.posts] == ["opened", "closed"]


def test_a_run_without_a_business_date_and_a_mapped_task(told: Day, hook: Hook) -> None:
    FailureNotifier()(context("remove_copies", None, RuntimeError(PERSONAL), map_index=2, impact="impact:medium"))
    assert (hook.posts[0]["subject"], hook.posts[0]["severity"]) == ("a_dag.remove_copies[2]", "warning")
    SuccessNotifier()(context("remove_copies", None, map_index=1))
    SuccessNotifier()(context("remove_copies", None, map_index=2))
    assert [post["occasion"] for post in hook.posts] == ["opened", "closed"]


def test_every_destination_may_fail_and_the_callback_does_not(told: Day, hook: Hook, mail: Mailbox) -> None:
    hook.refuses = mail.refuses = True
    FailureNotifier()(context("check", "2026-03-02", RuntimeError(PERSONAL)))

    assert told.run("select destination, state, last_error from ops.alert_message order by destination") == [
        ("mail", "waiting", "SMTPDataError"),
        ("web_hook", "waiting", "ServiceError"),
    ]


def test_without_a_warehouse_it_is_told_and_the_callback_does_not_fail(
    settings: Settings,
    mail: Mailbox,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    connect(monkeypatch, settings, free_port())
    monkeypatch.setenv("ARREARS_HOME", str(tmp_path))
    FailureNotifier()(context("check", "2026-03-02", RuntimeError(PERSONAL)))
    FailureNotifier()(context("load", "2026-03-02", RuntimeError(PERSONAL)))
    SuccessNotifier()(context("check", "2026-03-02"))

    assert [post["code"] for post in hook.posts] == ["warehouse_unreachable"]
    assert "a_dag.check failed for 2026-03-02: RuntimeError" in mail.bodies[0]
    assert "4711" not in mail.bodies[0] + json.dumps(hook.posts)


def test_a_warehouse_without_a_ledger_fails_no_callback(told: Day, hook: Hook) -> None:
    told.run("alter table ops.alert rename to alert_later")
    try:
        FailureNotifier()(context("check", "2026-03-02", RuntimeError(PERSONAL)))
        SuccessNotifier()(context("check", "2026-03-02"))
    finally:
        told.run("alter table ops.alert_later rename to alert")
    assert hook.posts == []


def test_a_deadline_tells_of_what_is_not_done_only(told: Day, hook: Hook) -> None:
    run = {"dag_run": {"partition_key": told.as_of.isoformat()}}
    asyncio.run(tell_late("marts_late", run))
    assert hook.posts == []

    asyncio.run(tell_late("landing_late", run))
    assert [(post["code"], post["subject"]) for post in hook.posts] == [("landing_late", "2020-04-15")]

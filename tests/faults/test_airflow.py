"""Airflow's scheduler is killed, and with it every task that it runs."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from dispatching import take_stop_file
from world import World

from arrears.hooks.airflow_api import FINISHED, AirflowApi, Run
from arrears.services.airflow import AirflowService

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.postgres,
    pytest.mark.sftp,
    pytest.mark.all_faults,
    pytest.mark.timeout(900),
]

VENDORS = ("demo_sms", "demo_call", "demo_care")
QUICK = """\
[scheduler]
task_instance_heartbeat_timeout = 15
task_instance_heartbeat_timeout_detection_interval = 5
orphaned_tasks_check_interval = 10
"""
"""Airflow gives up a task that is silent for five minutes; a test does not wait so long."""


@pytest.fixture(scope="module")
def airflow(ruins: World) -> Iterator[AirflowService]:
    settings = ruins.settings
    service = AirflowService(settings)
    (settings.home / "airflow").mkdir(exist_ok=True)
    (settings.home / "airflow" / "airflow.cfg").write_text(QUICK)
    service.start()
    yield service
    service.stop()


@pytest.fixture
def answers(world: World) -> Iterator[None]:
    """The vendors take their stop files."""
    stopped = threading.Event()

    def answer() -> None:
        while not stopped.wait(0.2):
            for vendor in VENDORS + ("demo_visit", "demo_law"):
                take_stop_file(world.directory(vendor))

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield
    stopped.set()
    thread.join()


@pytest.mark.parametrize("task", ["send_stop_file", "build", "check", "deliver"])
@pytest.mark.usefixtures("answers")
def test_the_scheduler_is_killed(world: World, airflow: AirflowService, task: str) -> None:
    world.contact("phone", "C3")
    world.contact("care", "C4")
    with AirflowApi(airflow.settings) as api:
        run = api.trigger("dispatch_contact_lists", world.as_of.isoformat(), {})
        _wait_until_running(api, run, task)
        _kill(airflow)
        world.require_whole(*VENDORS)
        airflow.start()
        state = _wait(api, run)
        if state != "success":
            run = api.trigger("dispatch_contact_lists", world.as_of.isoformat(), {})
            state = _wait(api, run)
        failed = {task.label: api.last_log_lines(run, task) for task in api.tasks(run) if task.state == "failed"}

    assert state == "success", failed
    assert world.differences(*VENDORS) == []


def _kill(airflow: AirflowService) -> None:
    scheduler = airflow.daemons()["scheduler"]
    pid = scheduler.pid()
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    # On a busy machine a process takes its time to die, and what still runs is not started.
    while scheduler.pid() is not None:
        time.sleep(0.05)


def _wait_until_running(api: AirflowApi, run: Run, task_id: str) -> None:
    deadline = time.monotonic() + 180
    while not any(task.state == "running" and task.task_id.endswith(f".{task_id}") for task in api.tasks(run)):
        assert time.monotonic() < deadline, f"{task_id} never ran"
        time.sleep(0.1)


def _wait(api: AirflowApi, run: Run) -> str:
    deadline = time.monotonic() + 600
    while run.state not in FINISHED:
        assert time.monotonic() < deadline, f"{run.run_id} did not end: {_unfinished(api, run)}"
        time.sleep(1)
        run = api.run(run.dag_id, run.run_id)
    return run.state


def _unfinished(api: AirflowApi, run: Run) -> dict[str, str | None]:
    return {task.label: task.state for task in api.tasks(run) if task.state not in {"success", "skipped"}}

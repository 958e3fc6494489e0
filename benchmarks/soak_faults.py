"""What goes wrong in the soak: which fault comes on which day, at which task, and how it is brought about."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psycopg2

from arrears.cli.follow import FINISHED, Leg
from arrears.hooks.airflow_api import Run, Task
from arrears.services.airflow import AirflowService
from arrears.services.postgres import PostgresService
from arrears.services.sftp import SftpService
from arrears.services.stack import start_all
from arrears.settings import Settings

WATCHES_SECONDS = 60.0
"""How long the saboteur looks out for its task without a break. Some run for half a second."""
OUTAGE_SECONDS = 10
"""How long the vendors' server stays away when it is killed."""

Place = tuple[str, str]
"""A DAG, and how the id of one of its tasks ends."""

_LOAD: Place = ("load_core_banking", "load")
_LANDING_GATE: Place = ("load_core_banking", "check")
_BUILD: Place = ("build_marts", "build")
_STOP: Place = ("dispatch_contact_lists", ".send_stop_file")
_LIST: Place = ("dispatch_contact_lists", ".build")
_LIST_GATE: Place = ("dispatch_contact_lists", ".check")
_DELIVER: Place = ("dispatch_contact_lists", ".deliver")
_READ: Place = ("ingest_vendor_results", "read_demo_call")
_REFRESH: Place = ("ingest_vendor_results", "refresh_marts")


@dataclass(frozen=True)
class Kind:
    """One way in which things go wrong."""

    what: str
    places: tuple[Place, ...]
    """The tasks that it may hit: one of them is running when it comes."""


KINDS: Mapping[str, Kind] = {
    "sftp_killed": Kind("the vendors' server is killed and stays away", (_STOP, _DELIVER, _READ)),
    "sftp_cut": Kind("every connection to the vendors is cut", (_STOP, _DELIVER, _READ)),
    "scheduler_killed": Kind("Airflow's scheduler is killed, and its tasks with it", (_LOAD, _BUILD, _LIST_GATE)),
    "postgres_restarted": Kind("PostgreSQL is restarted", (_LANDING_GATE, _BUILD, _LIST, _DELIVER, _REFRESH)),
    "task_killed": Kind("the process of a task is killed", (_LOAD, _BUILD, _LIST, _DELIVER, _READ, _REFRESH)),
}


@dataclass(frozen=True)
class Fault:
    """What is to go wrong on a day, and where."""

    kind: str
    dag: str
    task: str

    def strikes(self, leg: Leg) -> Task | None:
        """The running task that it hits, if it is its turn."""
        if leg.dag_id != self.dag:
            return None
        return next((task for task in leg.tasks if task.state == "running" and task.task_id.endswith(self.task)), None)

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} at {self.dag}/{self.task.lstrip('.')}"


def plan(days: int, *, every: int, seed: int) -> dict[int, Fault]:
    """The faults by day, counted from 0: one on every so many days, each kind before any comes again.

    The first day has none: it builds everything, and there are no results yet. The same arguments give the same plan,
    and a longer soak begins like a shorter one.
    """
    chance = Random(f"faults {seed}")
    turns: list[str] = []
    faults: dict[int, Fault] = {}
    for day in range(1, days):
        if day % every:
            continue
        if not turns:
            turns = sorted(KINDS)
            chance.shuffle(turns)
        kind = turns.pop()
        faults[day] = Fault(kind, *chance.choice(KINDS[kind].places))
    return faults


class Saboteur:
    """Lets one fault happen as soon as its task is running, and starts again what died, as a supervisor would."""

    def __init__(self, settings: Settings, fault: Fault | None) -> None:
        self.settings = settings
        self.fault = fault
        self.hit: str | None = None
        """The task that was hit."""
        self.restarts: list[str] = []
        """What was found dead and started again, the fault's own victims included."""

    def look(self, leg: Leg | None) -> None:
        """Called again and again while a day is followed."""
        if leg and leg.run and self.fault and not self.hit and leg.dag_id == self.fault.dag:
            task = self._lie_in_wait(self.fault, leg, leg.run)
            if task:
                self.hit = f"{leg.dag_id}/{task.label}"
                self._act(self.fault.kind)(leg.run, task)
        self._revive()

    def _lie_in_wait(self, fault: Fault, leg: Leg, run: Run) -> Task | None:
        """The task that the fault hits, as soon as it runs; None where it does not for now."""
        until = time.monotonic() + WATCHES_SECONDS
        with closing(psycopg2.connect(self.settings.dsn("airflow", "airflow"))) as airflow:
            airflow.autocommit = True
            while time.monotonic() < until and run.state not in FINISHED:
                cursor = airflow.cursor()
                cursor.execute(
                    "select task_id, map_index, task_instance.state, try_number, dag_run.state from task_instance"
                    " inner join dag_run using (dag_id, run_id) where dag_id = %s and run_id = %s",
                    (run.dag_id, run.run_id),
                )
                rows = cursor.fetchall()
                leg.tasks = [Task(*row[:4]) for row in rows]
                if task := fault.strikes(leg):
                    return task
                # Whoever follows the run has something to do.
                if any(row[4] in FINISHED for row in rows) or any(task.state == "awaiting_input" for task in leg.tasks):
                    return None
                time.sleep(0.05)
        return None

    def _revive(self) -> None:
        dead = [name for name, daemon in AirflowService(self.settings).daemons().items() if daemon.pid() is None]
        if not SftpService(self.settings, play=True).is_running():
            dead.append("SFTP vendors")
        if dead:
            self.restarts += dead
            for _ in start_all(self.settings):
                pass

    def _act(self, kind: str) -> Callable[[Run, Task], None]:
        return {
            "sftp_killed": self._kill_sftp,
            "sftp_cut": self._cut_sftp,
            "scheduler_killed": self._kill_scheduler,
            "postgres_restarted": self._restart_postgres,
            "task_killed": self._kill_task,
        }[kind]

    def _kill_sftp(self, run: Run, task: Task) -> None:
        self._cut_sftp(run, task)
        time.sleep(OUTAGE_SECONDS)

    def _cut_sftp(self, _run: Run, _task: Task) -> None:
        _kill_group(self.settings.home / "run" / "sftp.pid")

    def _kill_scheduler(self, _run: Run, _task: Task) -> None:
        _kill_group(AirflowService(self.settings).daemons()["scheduler"].pid_file)

    def _restart_postgres(self, _run: Run, _task: Task) -> None:
        service = PostgresService(self.settings)
        service.stop()
        service.start()

    def _kill_task(self, run: Run, task: Task) -> None:
        with closing(psycopg2.connect(self.settings.dsn("airflow", "airflow"))) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "select pid from task_instance where dag_id = %s and run_id = %s and task_id = %s and map_index = %s",
                (run.dag_id, run.run_id, task.task_id, task.map_index),
            )
            ((pid,),) = cursor.fetchall()
        if pid:
            _kill(pid)


def _kill_group(pid_file: Path) -> None:
    """The process and all that it started, without a word."""
    pid = int(pid_file.read_text().split()[0])
    os.killpg(pid, signal.SIGKILL)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return

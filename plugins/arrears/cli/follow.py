"""Follow a business day through Airflow: start the first DAG, watch the chain, name what failed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from rich.console import Console
from rich.live import Live
from rich.table import Table

from arrears.errors import ArrearsError
from arrears.hooks.airflow_api import FINISHED, AirflowApi, Run, Task
from arrears.run_scope import STEPS
from arrears.services.stack import start_all
from arrears.settings import Settings
from arrears.simulator.truth import read_world

CHAIN = {"landing": "load_core_banking", "marts": "build_marts", "delivery": "dispatch_contact_lists"}
READ_RESULTS = "ingest_vendor_results"
AFTERWARDS = {"recall_paid_accounts": True, READ_RESULTS: False}
"""What follows a day's delivery, and whether its runs carry the business date."""
APPROVERS = {"first_approval": "demo_approver_one", "second_approval": "demo_approver_two"}
ANSWER_AFTER_SECONDS = 4
"""Airflow's scheduler takes a task for lost that is answered before it has seen it wait; no person is that quick."""
IMPORT_ERROR_SECONDS = 20
HANDOVER_SECONDS = 90
"""How long the next DAG may take to start after the one before succeeded."""


@dataclass
class Leg:
    """One DAG of the day, as far as it has come."""

    dag_id: str
    run: Run | None = None
    tasks: list[Task] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def finished_tasks(self) -> int:
        return sum(task.state in {"success", "skipped"} for task in self.tasks)

    @property
    def now(self) -> str:
        waiting = [task.label for task in self.tasks if task.state == "awaiting_input"]
        if waiting:
            return f"waits for a person: {', '.join(waiting)}"
        return ", ".join(
            task.label for task in self.tasks if task.state in {"running", "deferred", "up_for_reschedule"}
        )


def run_day(settings: Settings, as_of: date, until: str | None, approve: bool, console: Console) -> None:
    """Start the services, run the chain for `as_of` up to `until` (None: recalls and results too), and follow it.

    Of a played world what its vendors have sent of the day before is read first, as the clock does elsewhere: a promise
    of yesterday counts in today's decisions.

    Raises:
        ArrearsError: a DAG failed or did not start; the message names the task and ends with its log.
    """
    for _ in start_all(settings):
        pass
    with AirflowApi(settings) as api, Display(console, as_of) as display:
        day = Day(settings, api, display, as_of, approve=approve)
        if has_unread(settings, as_of):
            day.follow(READ_RESULTS)
        day.follow_chain(until or STEPS[-1])
        for dag_id in AFTERWARDS if until is None else ():
            day.follow(dag_id)


def has_unread(settings: Settings, as_of: date) -> bool:
    """Whether a world is played, this is not its first day, and a file lies in the `inbound/` of one of its vendors."""
    world = read_world(settings)
    if world is None or as_of <= world.first_day:
        return False
    return any(path.is_file() for path in (settings.home / "vendors").glob("*/inbound/*"))


def wait_for_dags(api: AirflowApi, timeout: float = 60) -> None:
    """Wait until Airflow has read all DAG files.

    Raises:
        ArrearsError: a file cannot be read, or the DAGs did not appear in time.
    """
    expected = {*CHAIN.values(), *AFTERWARDS}
    started = time.monotonic()
    while missing := expected - api.known_dags():
        waited = time.monotonic() - started
        # For some seconds it may still be the error of a file that has been mended since.
        if waited > IMPORT_ERROR_SECONDS and (problems := api.import_errors()):
            raise ArrearsError("Airflow cannot read a DAG file: " + "; ".join(problems))
        if waited > timeout:
            raise ArrearsError(f"Airflow has not read these DAGs after {timeout:.0f} s: {', '.join(sorted(missing))}")
        time.sleep(1)


class Display:
    """The legs of the day as a table that redraws itself on a terminal, and as lines of text elsewhere."""

    def __init__(self, console: Console, as_of: date) -> None:
        self.console = console
        self.as_of = as_of
        self.legs: list[Leg] = []
        self._live = Live(console=console, refresh_per_second=2, transient=False) if console.is_terminal else None
        self._said: set[tuple[str, str]] = set()

    def __enter__(self) -> "Display":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.update()
        if self._live:
            self._live.stop()

    def add(self, dag_id: str) -> Leg:
        self.legs.append(Leg(dag_id))
        return self.legs[-1]

    def update(self) -> None:
        if self._live:
            self._live.update(self._table())
            return
        for leg in self.legs:
            state = leg.run.state if leg.run else "waiting"
            if (leg.dag_id, state) not in self._said:
                self._said.add((leg.dag_id, state))
                self.console.print(f"{self.as_of}  {leg.dag_id:<24}{state:<10}{leg.seconds:>5.0f} s")

    def _table(self) -> Table:
        table = Table(title=f"Business date {self.as_of}", title_justify="left", box=None, padding=(0, 2, 0, 0))
        for heading in ("", "DAG", "tasks", "time", "now"):
            table.add_column(heading)
        for leg in self.legs:
            state = leg.run.state if leg.run else "waiting"
            mark = {"success": "[green]✓[/]", "failed": "[red]✗[/]"}.get(state, "[yellow]…[/]")
            table.add_row(mark, leg.dag_id, f"{leg.finished_tasks}/{len(leg.tasks)}", f"{leg.seconds:.0f} s", leg.now)
        return table


@dataclass
class Day:
    """One business date in Airflow."""

    settings: Settings
    api: AirflowApi
    display: Display
    as_of: date
    approve: bool = False
    _waiting_since: dict[str, float] = field(default_factory=dict)

    def follow_chain(self, until: str) -> None:
        """Start the first DAG of the chain and follow it, and each DAG that it leads to, up to the step `until`."""
        wait_for_dags(self.api)
        since = datetime.now(UTC)
        chain = [CHAIN[step] for step in STEPS[: STEPS.index(until) + 1]]
        for position, dag_id in enumerate(chain):
            leg = self.display.add(dag_id)
            if position == 0:
                leg.run = self.api.trigger(dag_id, self.as_of.isoformat(), {"until": until})
            else:
                leg.run = self._handed_over(dag_id, since)
            self._follow(leg)

    def follow(self, dag_id: str) -> None:
        """Start one of the DAGs that come after delivery and follow it."""
        leg = self.display.add(dag_id)
        leg.run = self.api.trigger(dag_id, self.as_of.isoformat() if AFTERWARDS[dag_id] else None, {})
        self._follow(leg)

    def _handed_over(self, dag_id: str, since: datetime) -> Run:
        """The run that the asset event of the DAG before has started."""
        for _ in _ticks(HANDOVER_SECONDS):
            runs = self.api.runs_since(dag_id, self.as_of.isoformat(), since)
            if runs:
                return runs[0]
            self.display.update()
        raise ArrearsError(
            f"{dag_id} did not start within {HANDOVER_SECONDS} s after the DAG before it: "
            f"is it paused? See {self.api.url}"
        )

    def _follow(self, leg: Leg) -> None:
        assert leg.run is not None
        started = time.monotonic()
        self.display.update()
        while leg.run.state not in FINISHED:
            time.sleep(1)
            leg.run = self.api.run(leg.dag_id, leg.run.run_id)
            leg.tasks = self.api.tasks(leg.run)
            leg.seconds = time.monotonic() - started
            self.display.update()
            if self.approve:
                self._approve(leg.run, leg.tasks)
        if leg.run.state == "failed":
            raise ArrearsError(_failure(self.api, leg))

    def _approve(self, run: Run, tasks: list[Task]) -> None:
        """Answer waiting approvals as the demo's two labelled approvers, each as the user it is meant for."""
        for task in tasks:
            if task.state != "awaiting_input" or task.task_id not in APPROVERS:
                continue
            since = self._waiting_since.setdefault(f"{run.run_id}/{task.label}", time.monotonic())
            if time.monotonic() - since > ANSWER_AFTER_SECONDS:
                with AirflowApi(self.settings, APPROVERS[task.task_id]) as api:
                    api.approve(run, task, ["Approve"], {"exclude": []})


def _failure(api: AirflowApi, leg: Leg) -> str:
    assert leg.run is not None
    failed = [task for task in leg.tasks if task.state == "failed"]
    if not failed:
        return f"{leg.dag_id} failed: see {api.url}/dags/{leg.dag_id}"
    lines = api.last_log_lines(leg.run, failed[0])
    return f"{leg.dag_id}: task {failed[0].label} failed; the end of its log:\n  " + "\n  ".join(lines)


def _ticks(seconds: float, pause: float = 0.7) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(pause)

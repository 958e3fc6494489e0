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

CHAIN = {"landing": "load_core_banking", "marts": "build_marts", "delivery": "dispatch_contact_lists"}
AFTERWARDS = ("ingest_vendor_results", "recall_paid_accounts")
APPROVERS = {"first_approval": "demo_approver_one", "second_approval": "demo_approver_two"}
HANDOVER_SECONDS = 90
"""How long the next DAG may take to start after the one before succeeded."""


@dataclass
class Leg:
    """One DAG of the day, as far as it has come."""

    dag_id: str
    run: Run | None = None
    tasks: list[Task] = field(default_factory=list)
    started: float | None = None
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
    """Start the services, run the chain for `as_of` up to `until` (None: results and recalls too), and follow it.

    Raises:
        ArrearsError: a DAG failed or did not start; the message names the task and ends with its log.
    """
    for _ in start_all(settings):
        pass
    with AirflowApi(settings) as api:
        wait_for_dags(api)
        chain = [CHAIN[step] for step in STEPS[: STEPS.index(until or STEPS[-1]) + 1]]
        with Display(console, as_of) as display:
            _follow_chain(settings, api, display, chain, as_of, until or STEPS[-1], approve)
            for dag_id in AFTERWARDS if until is None else ():
                leg = display.add(dag_id)
                leg.run = api.trigger(dag_id, None, {})
                _follow(settings, api, display, leg, approve)


def wait_for_dags(api: AirflowApi, timeout: float = 60) -> None:
    """Wait until Airflow has read all DAG files.

    Raises:
        ArrearsError: a file cannot be read, or the DAGs did not appear in time.
    """
    expected = {*CHAIN.values(), *AFTERWARDS}
    deadline = time.monotonic() + timeout
    while missing := expected - api.known_dags():
        if problems := api.import_errors():
            raise ArrearsError("Airflow cannot read a DAG file: " + "; ".join(problems))
        if time.monotonic() > deadline:
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


def _follow_chain(
    settings: Settings, api: AirflowApi, display: Display, chain: list[str], as_of: date, until: str, approve: bool
) -> None:
    since = datetime.now(UTC)
    for position, dag_id in enumerate(chain):
        leg = display.add(dag_id)
        if position == 0:
            leg.run = api.trigger(dag_id, as_of.isoformat(), {"until": until})
        else:
            leg.run = _handed_over(api, display, dag_id, as_of, since)
        _follow(settings, api, display, leg, approve)


def _handed_over(api: AirflowApi, display: Display, dag_id: str, as_of: date, since: datetime) -> Run:
    """The run that the asset event of the DAG before has started."""
    for _ in _ticks(HANDOVER_SECONDS):
        runs = api.runs_since(dag_id, as_of.isoformat(), since)
        if runs:
            return runs[0]
        display.update()
    raise ArrearsError(
        f"{dag_id} did not start within {HANDOVER_SECONDS} s after the DAG before it: is it paused? See {api.url}"
    )


def _follow(settings: Settings, api: AirflowApi, display: Display, leg: Leg, approve: bool) -> None:
    assert leg.run is not None
    leg.started = time.monotonic()
    while leg.run.state not in FINISHED:
        time.sleep(0.7)
        leg.run = api.run(leg.dag_id, leg.run.run_id)
        leg.tasks = api.tasks(leg.run)
        leg.seconds = time.monotonic() - leg.started
        display.update()
        if approve:
            _approve(settings, leg)
    if leg.run.state == "failed":
        raise ArrearsError(_failure(api, leg))


def _approve(settings: Settings, leg: Leg) -> None:
    """Answer waiting approvals as the demo's two labelled approvers, each as the user it is meant for."""
    for task in leg.tasks:
        if task.state == "awaiting_input" and leg.run and task.task_id in APPROVERS:
            with AirflowApi(settings, APPROVERS[task.task_id]) as api:
                api.approve(leg.run, task, ["Approve"], {"exclude": []})


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

"""Airflow's REST API, as far as `arrears run` needs it: start a run, follow it, answer a request for approval."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from arrears.errors import ServiceError
from arrears.settings import Settings

FINISHED = frozenset({"success", "failed"})
PATIENCE_SECONDS = 60
_TOKEN = "/auth/token"


@dataclass(frozen=True)
class Run:
    """A DAG run."""

    dag_id: str
    run_id: str
    state: str


@dataclass(frozen=True)
class Task:
    """A task instance of a run."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int

    @property
    def label(self) -> str:
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


class AirflowApi:
    """A client of one Airflow user; use as a context manager."""

    def __init__(self, settings: Settings, user: str = "admin") -> None:
        self.url = f"http://{settings.airflow_host}:{settings.airflow_port}"
        self.user = user
        self._password = settings.secret(f"airflow_user_{user}")
        self._client = httpx.Client(base_url=self.url, timeout=30, transport=httpx.HTTPTransport(retries=3))

    def __enter__(self) -> "AirflowApi":
        token = self._call("POST", _TOKEN, json={"username": self.user, "password": self._password})
        self._client.headers["Authorization"] = f"Bearer {token['access_token']}"
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close()

    def trigger(self, dag_id: str, partition_key: str | None, conf: dict[str, Any]) -> Run:
        """Start a run by hand."""
        body: dict[str, Any] = {"logical_date": None, "conf": conf}
        if partition_key is not None:
            body["partition_key"] = partition_key
        run = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        return Run(dag_id, run["dag_run_id"], run["state"])

    def run(self, dag_id: str, run_id: str) -> Run:
        return Run(dag_id, run_id, self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def runs_since(self, dag_id: str, partition_key: str, since: datetime) -> list[Run]:
        """Runs for this business date that were made at `since` or later, oldest first."""
        found = self._call(
            "GET",
            f"/api/v2/dags/{dag_id}/dagRuns",
            params={"order_by": "run_after", "run_after_gte": since.isoformat(), "limit": 50},
        )
        return [
            Run(dag_id, run["dag_run_id"], run["state"])
            for run in found["dag_runs"]
            if run["partition_key"] == partition_key
        ]

    def known_dags(self) -> set[str]:
        return {dag["dag_id"] for dag in self._call("GET", "/api/v2/dags", params={"limit": 100})["dags"]}

    def import_errors(self) -> list[str]:
        """Why DAG files could not be read: file name and last line of each error."""
        errors = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def tasks(self, run: Run) -> list[Task]:
        """All task instances of a run (the API hands out at most a hundred at a time)."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances"
        found: list[Task] = []
        while True:
            page = self._call("GET", path, params={"limit": 100, "offset": len(found)})
            found += [
                Task(task["task_id"], task["map_index"], task["state"], task["try_number"])
                for task in page["task_instances"]
            ]
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                return found

    def last_log_lines(self, run: Run, task: Task, count: int = 12) -> list[str]:
        """The end of a task's log, without the lines of Airflow's own machinery."""
        log = self._call(
            "GET",
            f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task.task_id}/logs/{task.try_number}",
            params={"map_index": task.map_index, "full_content": "true"},
            headers={"Accept": "application/json"},
        )
        lines = [_log_line(entry) for entry in log.get("content", [])]
        return [line for line in lines if line][-count:]

    def approve(self, run: Run, task: Task, options: list[str], answers: dict[str, Any]) -> None:
        """Answer a request for a decision, as this client's user."""
        self._call(
            "PATCH",
            f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task.task_id}/{task.map_index}/hitlDetails",
            json={"chosen_options": options, "params_input": answers},
        )

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        """Ask, and ask again for a while what changes nothing: Airflow has no answer while its database restarts."""
        deadline = time.monotonic() + (PATIENCE_SECONDS if method == "GET" or path == _TOKEN else 0)
        while True:
            try:
                response = self._client.request(method, path, **arguments)
            except httpx.TransportError as error:
                problem = ServiceError(f"Airflow does not answer at {self.url} ({error}): see `arrears status`")
            else:
                if response.is_success:
                    return response.json()
                problem = ServiceError(f"Airflow refused {method} {path}: {response.status_code} {response.text[:300]}")
                if not response.is_server_error:
                    raise problem
            if time.monotonic() >= deadline:
                raise problem
            time.sleep(1)


def _log_line(entry: Any) -> str:
    """One structured log entry as a line of text, with the error's own message where there is one."""
    if isinstance(entry, str):
        return entry
    details = entry.get("error_detail") or []
    raised = "; ".join(f"{detail.get('exc_type')}: {detail.get('exc_value')}" for detail in details)
    return " ".join(part for part in (str(entry.get("event", "")), raised) if part)

"""A running Arrears, driven and looked at from outside."""

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2

from arrears.hooks.airflow_api import FINISHED, AirflowApi
from arrears.settings import Settings

ARREARS = Path(sys.executable).parent / "arrears"


@dataclass(frozen=True)
class System:
    """A running Arrears, seen from outside."""

    home: Path
    environment: dict[str, str]
    dsns: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Asked for once: the command takes a second, and tests ask the warehouse a hundred times."""

    def arrears(self, *arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run the command line; the caller looks at the exit code."""
        return subprocess.run(
            [ARREARS, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def dsn(self, *arguments: str) -> str:
        if arguments not in self.dsns:
            result = self.arrears("dsn", *arguments)
            assert result.returncode == 0, result.stderr
            self.dsns[arguments] = result.stdout.strip()
        return self.dsns[arguments]

    def query(self, statement: str, *arguments: str) -> list[tuple[Any, ...]]:
        """Rows of the warehouse (or of the database that `arguments` name)."""
        connection = psycopg2.connect(self.dsn(*(arguments or ("warehouse",))))
        with closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def run_dag(self, dag_id: str, as_of: date, *, timeout: float = 300) -> tuple[str, dict[str, list[str]]]:
        """Start a DAG for a business date, as its page in Airflow does; its state, and how each task's log ends."""
        deadline = time.monotonic() + timeout
        with self.airflow() as api:
            run = api.trigger(dag_id, as_of.isoformat(), {})
            while run.state not in FINISHED:
                assert time.monotonic() < deadline, f"{dag_id} did not end"
                time.sleep(1)
                run = api.run(dag_id, run.run_id)
            return run.state, {task.label: api.last_log_lines(run, task) for task in api.tasks(run)}

    def airflow(self) -> AirflowApi:
        """Airflow's API, as its admin; to be closed."""
        return AirflowApi(Settings(home=self.home, airflow_port=int(self.environment["ARREARS_AIRFLOW_PORT"])))

    def lineage(self) -> list[dict[str, Any]]:
        """All events of lineage so far, in their order."""
        return [json.loads(line) for line in (self.home / "lineage.jsonl").read_text().splitlines()]

    def processes(self) -> list[str]:
        """Command lines of all living processes that belong to this system."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environ = (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if command and (str(self.home).encode() in environ or str(self.home) in command):
                found.append(command)
        return found


def mentions(values: Iterable[str | None], *places: Path) -> list[str]:
    """Which of the values stand in these files, or in any file below these directories, with the file's path."""
    wanted = "\n".join(sorted({value for value in values if value}))
    command = ["grep", "--recursive", "--text", "--fixed-strings", "--only-matching", "--file=-", *map(str, places)]
    # Bytes are compared, not letters of a language.
    found = subprocess.run(
        command, input=wanted, capture_output=True, text=True, errors="replace", env={"LC_ALL": "C"}, check=False
    )
    assert found.returncode in (0, 1), found.stderr
    return found.stdout.splitlines()

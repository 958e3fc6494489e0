"""One whole system, started by the command line as a person would, in a state directory of its own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from listeners import StatsdServer, statsd_server
from ports import free_port
from receivers import Hook, Mailbox, mailbox, web_hook
from running_system import System

DUE_SECONDS = 30
"""So soon a load is late here: a deadline is to pass while a test waits."""


@pytest.fixture(scope="module")
def mail() -> Iterator[Mailbox]:
    """The mail server of whoever is on call."""
    with mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    """Their web hook."""
    with web_hook() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def statsd() -> Iterator[StatsdServer]:
    """Hears all metrics of the system."""
    with statsd_server() as server:
        yield server


@pytest.fixture(scope="module")
def system(statsd: StatsdServer) -> Iterator[System]:
    """A system that has nothing yet: no data, no services. Its lineage goes to `lineage.jsonl`."""
    home = Path(tempfile.mkdtemp(prefix="arrears-e2e-"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ARREARS_", "AIRFLOW"))}
    environment |= {
        "ARREARS_HOME": str(home),
        "ARREARS_POSTGRES_PORT": str(free_port()),
        "ARREARS_SFTP_PORT": str(free_port()),
        "ARREARS_AIRFLOW_PORT": str(free_port()),
        "ARREARS_LINEAGE_TO": str(home / "lineage.jsonl"),
        "ARREARS_METRICS_TO": f"statsd://127.0.0.1:{statsd.port}",
        "ARREARS_ALERT_MAIL_TO": "on-call@bank.example",
        "ARREARS_ALERT_WEB_HOOK": "on_call",
        "ARREARS_LANDING_DUE_MINUTES": str(DUE_SECONDS / 60),
        "ARREARS_SUPERSET_PORT": str(free_port()),
        "COLUMNS": "200",
    }
    system = System(home, environment)
    yield system
    system.arrears("down")
    shutil.rmtree(home, ignore_errors=True)

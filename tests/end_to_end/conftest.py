"""One whole system, started by the command line as a person would, in a state directory of its own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port
from running_system import System


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """A system that has nothing yet: no data, no services."""
    home = Path(tempfile.mkdtemp(prefix="arrears-e2e-"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ARREARS_", "AIRFLOW"))}
    environment |= {
        "ARREARS_HOME": str(home),
        "ARREARS_POSTGRES_PORT": str(free_port()),
        "ARREARS_SFTP_PORT": str(free_port()),
        "ARREARS_AIRFLOW_PORT": str(free_port()),
        "ARREARS_SUPERSET_PORT": str(free_port()),
        "COLUMNS": "200",
    }
    system = System(home, environment)
    yield system
    system.arrears("down")
    shutil.rmtree(home, ignore_errors=True)

"""Airflow for the DAG tests: its configuration points at the tests' own PostgreSQL, set before Airflow is imported."""

import os
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from arrears.services.airflow import airflow_environment, create_secrets
from arrears.services.sftp import create_sftp_keys
from arrears.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


@pytest.fixture(scope="session")
def airflow(server: Settings) -> Iterator[dict[str, str]]:
    """A migrated metadata database and Airflow's environment in this process."""
    create_secrets(server)
    create_sftp_keys(server)
    environment = airflow_environment(server) | {"ARREARS_FOLLOW_CLOCK": "false"}
    before = dict(os.environ)
    os.environ.update(environment)
    subprocess.run(["airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    yield environment
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def dag_bag(airflow: dict[str, str]) -> "DagBag":
    """All DAG files, as Airflow reads them."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(PROJECT_ROOT / "dags"))

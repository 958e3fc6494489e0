"""Airflow for the DAG tests."""

from typing import TYPE_CHECKING

import pytest

from arrears.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


@pytest.fixture(scope="session")
def dag_bag(airflow: dict[str, str]) -> "DagBag":
    """All DAG files, as Airflow reads them."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(PROJECT_ROOT / "dags"))

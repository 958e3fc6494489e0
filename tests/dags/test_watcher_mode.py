"""By one switch every dbt model is a task of its own."""

import json
import os
import subprocess
import sys

import pytest

from arrears.dbt_build import dbt_environment, stage_project
from arrears.settings import PROJECT_ROOT, Settings

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

READ_DAG = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
json.dump({"errors": bag.import_errors, "tasks": sorted(bag.dags["build_marts"].task_ids)}, sys.stdout)
"""


def test_each_model_is_a_task_between_the_start_and_the_gate(airflow: dict[str, str], server: Settings) -> None:
    stage_project(server)
    environment = {**os.environ, **dbt_environment(server), "ARREARS_DBT_MODE": "watcher"}
    environment["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = "150"
    result = subprocess.run(
        [sys.executable, "-c", READ_DAG, str(PROJECT_ROOT / "dags" / "build_marts.py")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["errors"] == {}
    models = {path.stem for path in (PROJECT_ROOT / "dbt_project" / "models").rglob("*.sql")}
    tasks = {task.removeprefix("models.").removesuffix("_run") for task in found["tasks"]}
    assert len(models) > 50
    assert models <= tasks
    assert {"start", "check", "publish"} <= set(found["tasks"])

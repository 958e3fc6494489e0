"""Airflow's local executor, with what every task imports imported once.

The executor forks a process per task. What it has imported before, the task need not: half of the seconds of a short
task are the imports of Great Expectations, dbt and Airflow's own task runner.
"""

import importlib

from airflow.executors.local_executor import LocalExecutor

PRELOADED = (
    "airflow.sdk.execution_time.task_runner",
    "arrears.operators.delivery",
    "arrears.operators.marts",
    "arrears.quality.engine",
    "dbt.cli.main",
)


class PreloadingLocalExecutor(LocalExecutor):
    """Runs tasks on this machine, in forks of a process that has the libraries already."""

    def start(self) -> None:
        for module in PRELOADED:
            importlib.import_module(module)
        super().start()
